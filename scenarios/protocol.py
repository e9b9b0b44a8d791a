"""The one decoder of the system: every package's messages, each tag once."""

import agents.desk
from environment.actors import Protocol
from environment.market import clearing_events

PROTOCOL = Protocol(clearing_events.PROTOCOL, agents.desk.PROTOCOL)
