"""The one decoder of the system: every package's messages, each tag once."""

from environment.actors import Protocol

PROTOCOL = Protocol()
