"""The one decoder of the system: every package's messages, each tag once."""

import agents.desk
import llm
from environment import (
    approval_messages,
    clearing_messages,
    control_messages,
    option_messages,
    text_messages,
    venue_messages,
)
from environment.actors import Protocol
from environment.market import clearing_events

PROTOCOL = Protocol(
    clearing_events.PROTOCOL,
    clearing_messages.PROTOCOL,
    option_messages.PROTOCOL,
    text_messages.PROTOCOL,
    llm.PROTOCOL,
    agents.desk.PROTOCOL,
    venue_messages.PROTOCOL,
    control_messages.PROTOCOL,
    approval_messages.PROTOCOL,
)
