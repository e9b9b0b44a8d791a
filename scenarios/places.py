"""Where files are sought, and how their places are shown to people."""

from pathlib import Path
from typing import Final

SHIPPED: Final = Path(__file__).resolve().parent
PROJECT_ROOT: Final = SHIPPED.parent


def find_file(path: str, beside: Path | None) -> Path:
    """Return the file that `path` means: beside the file that names it, then at the root."""
    wanted = Path(path).expanduser()
    if wanted.is_absolute():
        return wanted
    if beside is not None and (beside.parent / wanted).exists():
        return beside.parent / wanted
    return PROJECT_ROOT / wanted


def shown_path(path: Path) -> str:
    """Return a path as short as it can be said from the current folder."""
    try:
        return str(path.resolve().relative_to(Path.cwd())) if path.is_absolute() else str(path)
    except ValueError:
        return str(path)
