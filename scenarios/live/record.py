"""The swarm's durable record in its state folder, and what a start finds there."""

import hashlib
from pathlib import Path
from typing import Final

from environment.actors.live_kernel import LiveKernel
from environment.actors.live_settings import Durability
from environment.errors import ConfigError, CorruptRecord
from environment.record.audit import AuditHeader, HeadKey, SignedHead
from environment.record.audit_file import AuditFile
from environment.record.disk import FolderDisk
from environment.record.durable_state import DurableState
from environment.record.manifest import versions
from environment.record.syncer import ThreadSyncer
from scenarios.places import PROJECT_ROOT
from scenarios.protocol import PROTOCOL

RECORD: Final = "journal"
GATEWAYS: Final = ("venue", "control")
_PACKAGES: Final = ("environment", "agents", "brokers", "llm", "scenarios")


class SwarmRecord:
    """Steps of the durable actors: opened before the kernel is made, closed when it has stopped.

    With `durability` "sync" orders wait for the disk, so each write is synced at once.
    """

    def __init__(self, folder: Path, name: str, durability: Durability, key: HeadKey) -> None:
        place = folder / RECORD
        place.mkdir(mode=0o700, exist_ok=True)
        self.syncer = ThreadSyncer(patience_ns=0) if durability == "sync" else ThreadSyncer()
        try:
            self.state = DurableState(
                FolderDisk(place, 0o600), PROTOCOL, self.syncer, run=name, code=code_digest(),
                version=versions()["outcry"],
            )  # fmt: skip
        except (ConfigError, CorruptRecord) as error:  # It knows files by name alone.
            raise type(error)(f"{place}: {error}") from error
        self._key = key
        self.audit = AuditFile(folder, AuditHeader(subject=name, public_key=key.public))
        self.state.at_snapshot = self.audit.seal
        self.state.before_snapshot = self.audit.write_durably

    def seal_audit(self) -> None:
        """Let what the auditor has said be written once the journal holds it durably."""
        self.audit.seal(self.state.journal.flush())

    def write_audit(self) -> list[SignedHead]:
        """Write what may be, in a thread; return new signed heads."""
        return self.audit.write(self.state.journal.synced())

    def close(self, kernel: LiveKernel) -> SignedHead:
        """End journal and audit chain in order; returns the chain's head."""
        self.state.close(kernel)
        return self.audit.close(self._key, kernel.clock.now_ns)


def code_digest() -> str:
    """Return the SHA-256 of the program's source: recorded steps are run again by the same only."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        for file in sorted((PROJECT_ROOT / package).rglob("*.py")):
            digest.update(str(file.relative_to(PROJECT_ROOT)).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
