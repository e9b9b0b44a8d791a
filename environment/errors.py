"""The four families of "no", and every exception class of the first three that is ours.

Refusal         the domain says no: a message (`OrderRefused`), never an exception
OperatingError  a venue, feed, disk or model provider failed; the adapter makes it a message
    CorruptRecord     a journal or snapshot that cannot be what was written
    EffectLost        an effect whose outcome no record holds
ConfigError     found before the first actor starts: one line, the place and the mend
Defect          a broken invariant: the actor dies and its supervisor decides
    InboxOverflow     an inbox reached its hard cap
    RestartsExhausted the top of the supervision tree is out of restarts
    MoneyDeadLetter   a message about money could not be handled
    UnencodableMessage  a message that no journal can hold
"""


class OperatingError(Exception):
    """Something outside this process failed: venue, feed, disk or model provider."""


class CorruptRecord(OperatingError):
    """Bytes on disk that no writer of ours has written."""


class EffectLost(OperatingError):
    """An effect was started before, and its outcome is recorded nowhere."""


class ConfigError(Exception):
    """What was configured cannot run; said before the first actor starts."""


class Defect(Exception):
    """A broken invariant. Never caught except by a supervisor."""


class InboxOverflow(Defect):
    """An inbox reached its hard cap."""


class RestartsExhausted(Defect):
    """No supervisor is left that could restart what failed."""


class MoneyDeadLetter(Defect):
    """A message about an order, fill, verdict, decision or cancel died."""


class UnencodableMessage(Defect):
    """A message that MessagePack cannot hold was sent."""
