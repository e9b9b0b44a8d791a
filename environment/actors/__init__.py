"""The actor runtime: one message at a time, virtual time, repeatable to the byte."""

from environment.actors.actor import Actor
from environment.actors.context import ActorContext, ReplyTo
from environment.actors.effects import RecordedEffects, ThreadedEffects, effect_result
from environment.actors.envelope import CONTROL, DATA, Envelope
from environment.actors.gateway import Gateway, Side
from environment.actors.inbox import InboxLimits
from environment.actors.latency import Constant, HeavyTailed, LatencySetting, Lognormal, Normal
from environment.actors.ports import Connection, Engine, Link, UniformLink
from environment.actors.protocol import Protocol
from environment.actors.reference import ActorRef, Directory
from environment.actors.settings import Ports, Settings
from environment.actors.simulation_kernel import SimulationKernel
from environment.actors.supervision import DeadLetter, Supervisor

__all__ = [
    "CONTROL",
    "DATA",
    "Actor",
    "ActorContext",
    "ActorRef",
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
]
