"""Where `outcry` begins: Ctrl-C ends it in one line, even while its own modules are read."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line given to the process, and exit as `scenarios.cli` says."""
    try:
        from scenarios import cli  # noqa: PLC0415  this is what may be interrupted

        cli.main()
    except KeyboardInterrupt:
        sys.stderr.write("outcry: stopped\n")
        sys.exit(130)
