"""What `outcry doctor` says of one thing that it looked at."""

from typing import Literal, NamedTuple


class Finding(NamedTuple):
    """One thing looked at. A note is worth knowing; a fault keeps something from working."""

    state: Literal["ok", "note", "fault"]
    subject: str
    text: str
    mend: str = ""
