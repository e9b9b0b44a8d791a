"""The actor runtime: one message at a time, virtual time, repeatable to the byte."""

from environment.actors.actor import Actor
from environment.actors.context import ActorContext, ReplyTo
from environment.actors.effects import RecordedEffects, ThreadedEffects, effect_result
from environment.actors.envelope import CONTROL, DATA, Envelope
from environment.actors.gateway import Gateway, Side
from environment.actors.inbox import InboxLimits
from environment.actors.latency import Constant, HeavyTailed, LatencySetting, Lognormal, Normal
from environment.actors.live_clock import LiveClock
from environment.actors.live_effects import LiveEffects
from environment.actors.live_kernel import CLOCK_TOPIC, LiveKernel
from environment.actors.live_run import LiveRun, stop_on_signals
from environment.actors.live_settings import Alarm, LiveSettings
from environment.actors.ports import Connection, Engine, Link, UniformLink
from environment.actors.protocol import Protocol
from environment.actors.reference import ActorRef, Directory
from environment.actors.settings import Ports, Settings
from environment.actors.simulation_kernel import SimulationKernel
from environment.actors.supervision import DeadLetter, Supervisor

__all__ = [
    "CLOCK_TOPIC",
    "CONTROL",
    "DATA",
    "Actor",
    "ActorContext",
    "ActorRef",
    "Alarm",
    "Connection",
    "Constant",
    "DeadLetter",
    "Directory",
    "Engine",
    "Envelope",
    "Gateway",
    "HeavyTailed",
    "InboxLimits",
    "LatencySetting",
    "Link",
    "LiveClock",
    "LiveEffects",
    "LiveKernel",
    "LiveRun",
    "LiveSettings",
    "Lognormal",
    "Normal",
    "Ports",
    "Protocol",
    "RecordedEffects",
    "ReplyTo",
    "Settings",
    "Side",
    "SimulationKernel",
    "Supervisor",
    "ThreadedEffects",
    "UniformLink",
    "effect_result",
    "stop_on_signals",
]
