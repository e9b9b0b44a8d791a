"""The open requests of one incarnation: each ends by one reply or by RequestExpired."""

import msgspec


class OpenRequest(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A request without an answer: its deadline, and the envelope that carried it."""

    request_id: int
    deadline_ns: int
    envelope_id: int
    chain: int


class Requests:
    """Requests that wait for an answer, and how many answers came too late."""

    __slots__ = ("late_replies", "open")

    def __init__(self) -> None:
        self.open: dict[int, OpenRequest] = {}
        self.late_replies = 0

    def ask(self, request: OpenRequest) -> None:
        """Add one."""
        self.open[request.request_id] = request

    def is_answered_by(self, request_id: int) -> bool:
        """Close a request by its reply; an expired or answered one counts a late reply."""
        if self.open.pop(request_id, None) is None:
            self.late_replies += 1
            return False
        return True

    def expire(self, request_id: int) -> OpenRequest | None:
        """Return and close a request whose deadline has come, if it is still open."""
        return self.open.pop(request_id, None)

    def end_incarnation(self) -> None:
        """Close all; their replies will count as late."""
        self.open.clear()
