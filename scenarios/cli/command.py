"""Where `outcry` begins: Ctrl-C ends it in one line, even while its own modules are read."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line given to the process, and exit as `scenarios.cli.main` says."""
    try:
        from scenarios.cli.main import main as begin

        begin()
    except KeyboardInterrupt:
        sys.stderr.write("outcry: stopped\n")
        sys.exit(130)
