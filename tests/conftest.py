"""Rules for every test: no network but loopback, fixed Hypothesis profiles, honest skips."""

import ipaddress
import os
import re
import socket
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings

IN_CI: Final = bool(os.environ.get("CI"))
GOOD_REASONS: Final = re.compile(r"GPU|shared folder")

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci",
    max_examples=100,
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("ci" if IN_CI else "dev")


def is_local(address: object) -> bool:
    """Return whether a socket address stays on this machine."""
    if not isinstance(address, tuple):
        return True  # A Unix socket's path.
    host = str(address[0])
    if host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def guard(name: str) -> None:
    """Make one method of sockets refuse every address that is not loopback."""
    original = getattr(socket.socket, name)

    def guarded(self: socket.socket, *arguments: Any) -> Any:
        """Connect or send, on loopback only."""
        address = arguments[-1]
        if not is_local(address):
            raise AssertionError(f"Expected a loopback address, found {address}; fake that peer.")
        return original(self, *arguments)

    setattr(socket.socket, name, guarded)


def pytest_configure() -> None:
    """Close the network before anything is collected."""
    for name in ("connect", "connect_ex", "sendto"):
        guard(name)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI, fail the run when a test was skipped for want of anything but GPU or shared data."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not IN_CI or reporter is None:
        return
    for report in reporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not GOOD_REASONS.search(reason):
            reporter.write_line(f"refused skip: {report.nodeid}: {reason}", red=True)
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
