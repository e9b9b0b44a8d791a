"""What docs/options.md shows runs as it stands, one block after another."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def test_every_block_of_the_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs/options.md").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "scenarios").symlink_to(ROOT / "scenarios")
    monkeypatch.chdir(tmp_path)
    program = "\n".join(blocks)
    exec(compile(program, "docs/options.md", "exec"), {})  # our own page
    said = capsys.readouterr().out
    assert "BELOW_INTRINSIC" in said
    assert "(103.3,)" in said
    assert "<html>" in (tmp_path / "surface.html").read_text()[:200]
