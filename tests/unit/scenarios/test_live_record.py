"""What a start says of a state folder that is not this desk's, or not whole."""

from pathlib import Path

import pytest

from environment.errors import ConfigError, CorruptRecord
from environment.record.audit import HeadKey
from environment.record.durable_snapshot import StateSnapshot, seal
from scenarios.live.record import RECORD, SwarmRecord, code_digest


def put(folder: Path, run: str, spoil: int = 0) -> Path:
    """Write a snapshot of a desk that stopped in order; `spoil` turns one of its bytes."""
    folder.chmod(0o700)
    (folder / RECORD).mkdir(mode=0o700)
    snapshot = StateSnapshot(
        run=run, epoch=3, segment=1, now_ns=7, code=code_digest(), actors=[]
    )  # fmt: skip
    data = bytearray(seal(snapshot))
    data[len(data) // 2] ^= spoil
    (folder / RECORD / "00000001.snapshot").write_bytes(data)
    return folder


def test_state_of_this_desk_goes_on_with_the_next_epoch(tmp_path: Path) -> None:
    record = SwarmRecord(put(tmp_path, "floor"), "floor", "write", HeadKey(bytes(32)))
    assert record.state.epoch == 4


@pytest.mark.parametrize(
    ("run", "spoil", "kind", "told"),
    [
        ("other", 0, ConfigError, "expected the state of 'floor', found that of 'other'; give"),
        ("floor", 1, CorruptRecord, "damaged, .* put it back from a copy"),
    ],
)
def test_state_that_is_not_usable_is_named_with_folder_and_mend(
    tmp_path: Path, run: str, spoil: int, kind: type[Exception], told: str
) -> None:
    folder = put(tmp_path, run, spoil)
    with pytest.raises(kind, match=rf"{folder / RECORD}: 00000001.snapshot: {told}"):
        SwarmRecord(folder, "floor", "write", HeadKey(bytes(32)))
