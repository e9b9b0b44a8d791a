"""What no committed text may contain: hosts of package registries, paths of one machine."""

from pathlib import Path
from typing import Final

from tests.tidy.sources import name, repository_files

# Written in halves, so that this file passes its own test.
HOSTS: Final = (
    "pypi" + ".org", "python" + "hosted.org", "registry." + "npmjs", "deb." + "debian.org",
    "crates" + ".io", "proxy." + "golang", "repo1." + "maven",
)  # fmt: skip
PLACES: Final = ("/wo" + "rk/", "/ro" + "ot/", "/opt/" + "pypi")
BESIDE: Final = ".." + "/shared"
UNFINISHED: Final = ("TO" + "DO", "FIX" + "ME", "X" * 3 + ":", "not implemented" + " yet")


def texts() -> list[tuple[Path, str]]:
    """Return each text file of the repository with its content; data files are not text."""
    return [
        (file, file.read_text(errors="replace"))
        for file in repository_files()
        if "data" not in file.parts[-2:-1] and file.suffix not in {".png", ".gz", ".zip"}
    ]


def lines_with(*words: str) -> list[str]:
    """Return where any of some words stands."""
    return [
        f"{name(file)}:{number}: {word}"
        for file, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        for word in words
        if word in line
    ]


def test_no_text_names_a_registry_host() -> None:
    assert lines_with(*HOSTS) == []


def test_no_text_names_a_place_of_one_machine() -> None:
    assert lines_with(*PLACES) == []


def test_the_shared_folder_is_found_in_one_place() -> None:
    places = {line.split(":")[0] for line in lines_with(BESIDE)}
    assert places <= {"tests/shared_data.py"}


def test_nothing_is_left_for_later() -> None:
    assert lines_with(*UNFINISHED) == []
