"""The audit chain of a crash test: what is said again must be what was said."""

from environment.record.audit import AuditHeader, HeadKey, SignedHead, start_of

KEY = HeadKey(bytes(32))


class Chain:
    """Keeps the record of each number over all lives of a desk.

    A step that is run again says its record again. One that was lost is not run again, and its
    number is given anew: only while a process recovers must both be the same.
    """

    header = AuditHeader(subject="desk-under-test", public_key=KEY.public)

    def __init__(self) -> None:
        self.records: dict[int, bytes] = {}
        self.is_recovering = False

    @property
    def start(self) -> bytes:
        """What the first record names as the one before it."""
        return start_of(self.header)

    def keep(self, number: int, record: bytes) -> None:
        """Keep one encoded record."""
        if self.is_recovering and self.records.get(number) != record:
            raise AssertionError(f"record {number} of the chain is said in other words")
        self.records[number] = record

    def anchor(self, head: SignedHead) -> None:
        """Heads are not looked at here."""
