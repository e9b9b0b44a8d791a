"""The state folder of a desk: `$XDG_STATE_HOME/outcry/NAME`, for its owner alone."""

import grp
import os
import pwd
import stat
from pathlib import Path
from typing import Final

from environment.errors import ConfigError

HALT_FILE: Final = "HALT"
_OTHERS: Final = 0o077


def state_folder(name: str) -> Path:
    """Return the state folder of the swarm file's `name`, made with mode 0700 if it was not there.

    Raises
    ------
    ConfigError
        If anybody else could read or write it, or it is not ours.
    """
    home = os.environ.get("XDG_STATE_HOME", "")
    # The specification has relative paths ignored.
    parent = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "state"
    folder = parent / "outcry" / name
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        cause = os.strerror(error.errno or 0).lower()
        raise ConfigError(f"state folder {folder}: {cause}; set XDG_STATE_HOME") from error
    refuse_loose(folder, "the state folder", "700")
    return folder


def refuse_loose(path: Path, what: str, mend: str) -> None:
    """Raise ConfigError where others can reach a file or folder that must be ours alone."""
    state = path.lstat()
    mode = stat.S_IMODE(state.st_mode)
    if stat.S_ISLNK(state.st_mode):
        raise ConfigError(f"{path}: {what} is a link; put a real one there")
    if state.st_uid != os.getuid():
        raise ConfigError(f"{path}: {what} belongs to user {state.st_uid}; use one of your own")
    if mode & _OTHERS:
        raise ConfigError(
            f"{path}: {what} has mode {mode:04o}, so that others can reach it; chmod {mend} it"
        )


def refuse_writable(file: Path) -> None:
    """Raise ConfigError where somebody else can write a file that says what may be traded.

    A group of the owner alone counts as the owner.
    """
    state = file.stat()
    mode = stat.S_IMODE(state.st_mode)
    others = mode & stat.S_IWOTH or (mode & stat.S_IWGRP and not _is_private(state.st_gid))
    if others:
        raise ConfigError(
            f"{file}: has mode {mode:04o}, so that others can change what may be "
            "traded; chmod go-w it"
        )
    if state.st_uid not in {os.getuid(), 0}:
        raise ConfigError(f"{file}: belongs to user {state.st_uid}; use one of your own")


def _is_private(group: int) -> bool:
    try:
        found = grp.getgrgid(group)
        mine = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return False
    return found.gr_name == mine and set(found.gr_mem) <= {mine}
