"""What a handler asked for, in order. Entries are tuples (verb, target, payload, more)."""

from typing import Any, Final

SEND: Final = 0  # address, message, evidence
PUBLISH: Final = 1  # topic, message, evidence
REPLY: Final = 2  # address, message, (evidence, id of the request answered)
REQUEST: Final = 3  # address, message, (evidence, request id, deadline in ns)
AFTER: Final = 4  # name, delay in ns, timer id
CANCEL: Final = 5  # "", timer id, None
START: Final = 6  # "", effect, effect id
SUBSCRIBE: Final = 7  # topic, interval in ns, None

MAIL: Final = frozenset({SEND, PUBLISH, REPLY, REQUEST})  # The verbs that make an envelope.

Asked = tuple[int, str, Any, Any]  # Payloads differ by verb; the context builds them typed.
Outbox = list[Asked]
