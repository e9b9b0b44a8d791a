"""The one decoder of the system: every package's messages, each tag once."""

import agents.desk
from environment.actors import Protocol

PROTOCOL = Protocol(agents.desk.PROTOCOL)
