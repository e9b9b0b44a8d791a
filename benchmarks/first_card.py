"""How long a newcomer waits: a fresh clone, nothing cached, until a card wants an answer.

`python -m benchmarks.first_card` clones this repository into an empty folder, gives it an empty
home and starts `outcry live` there as anybody would. It prints each step as it came, when the
address was printed, and how long after that a signed-in page was shown a card; the limit is a
minute.
"""

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

ROOT: Final = Path(__file__).resolve().parent.parent
LIMIT_S: Final = 60.0
_PATIENCE_S: Final = 900.0  # To compile everything on a loaded machine.
_PASSWORD: Final = "a password of this measurement"


class FirstCard(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen: steps with their time since the start, and when the card came, in seconds."""

    steps: tuple[tuple[float, str], ...]
    address_s: float
    card_s: float  # After the address was printed.
    title: str


def measure(folder: Path) -> FirstCard:
    """Clone into a folder, start the daemon there with nothing cached, and wait for its card."""
    clone, home = folder / "clone", folder / "home"
    home.mkdir()
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    swarm = clone / "agents.toml"
    text = swarm.read_text()
    if "127.0.0.1:" not in text:  # Ports of this machine's own daemon are left alone.
        text += f'\n[panel]\nlisten = "127.0.0.1:{_free_port()}"\n'
    text = re.sub(r'"127\.0\.0\.1:\d+"', lambda _: f'"127.0.0.1:{_free_port()}"', text)
    swarm.write_text(text)
    environment = {
        name: value for name, value in os.environ.items()
        if not name.startswith(("XDG_", "OUTCRY_", "NUMBA_"))
    } | {"HOME": str(home), "PYTHONPATH": str(clone)}  # fmt: skip
    command = [sys.executable, "-c", "from scenarios.cli.command import main; main()", "live"]
    began = time.monotonic()
    daemon = subprocess.Popen(
        command, cwd=clone, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip
    watch = threading.Timer(_PATIENCE_S, daemon.kill)
    watch.start()
    try:
        return _follow(daemon, began)
    finally:
        watch.cancel()
        _end(daemon, command[:-1], clone, environment)


def _follow(daemon: "subprocess.Popen[str]", began: float) -> FirstCard:
    """Read what the daemon prints, take its link, and sit at its panel."""
    steps: list[tuple[float, str]] = []
    address, address_s = "", 0.0
    assert daemon.stdout is not None, "its output is a pipe"
    for line in daemon.stdout:
        steps.append((time.monotonic() - began, line.strip()))
        found = re.search(r"panel: (http://\S+)", line)
        if found:
            address, address_s = found[1], steps[-1][0]
        token = _token(line)
        if token and address:
            title = asyncio.run(_first_card(address, token))
            card_s = time.monotonic() - began - address_s
            return FirstCard(steps=tuple(steps), address_s=address_s, card_s=card_s, title=title)
    told = "\n".join(text for _, text in steps[-20:])
    raise RuntimeError(f"the daemon ended before its link was printed:\n{told}")


def _token(line: str) -> str:
    """Return a one-time link's token: on the line, or in the private file that it names."""
    found = re.search(r"#link=(\S+)", line)
    if found is None:
        named = re.search(r"(/\S+link\S*)", line)
        if named is None or not Path(named[1]).is_file():
            return ""
        found = re.search(r"#link=(\S+)", Path(named[1]).read_text())
    return "" if found is None else found[1]


async def _first_card(address: str, token: str) -> str:
    """Choose a password, open the panel's socket, and return the first card that waits."""
    host = address.removeprefix("http://")
    jar = aiohttp.CookieJar(unsafe=True)  # Cookies of a bare address.
    headers = {"Origin": address}
    async with aiohttp.ClientSession(cookie_jar=jar, headers=headers) as session:
        body = {"token": token, "password": _PASSWORD}
        async with session.post(f"{address}/api/link", json=body) as answer:
            if answer.status != http.client.OK:
                raise RuntimeError(f"the link was refused: {await answer.text()}")
            csrf = (await answer.json())["csrf"]
        async with session.ws_connect(f"ws://{host}/socket", headers=headers) as page:
            await page.send_json({"t": "hello", "csrf": csrf, "version": "measured"})
            async with asyncio.timeout(_PATIENCE_S):
                async for message in page:
                    title = _waiting(json.loads(message.data))
                    if title:
                        return title
    raise RuntimeError("the panel closed the socket before a card came")


def _waiting(frame: dict[str, Any]) -> str:
    cards = [frame] if frame["t"] == "card" else frame.get("cards", [])
    return next((str(c["card"]["title"]) for c in cards if c["card"]["can_answer"]), "")


def _end(
    daemon: "subprocess.Popen[str]", outcry: list[str], clone: Path, environment: dict[str, str]
) -> None:
    """Stop all three processes as a person would, and whatever hangs by its group."""
    subprocess.run([*outcry, "stop"], cwd=clone, env=environment, timeout=60, check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        daemon.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait()
    if daemon.stdout is not None:
        daemon.stdout.close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main() -> int:
    """Print the measurement; 1 where the card came too late."""
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder))
    for at_s, text in found.steps:
        print(f"{at_s:7.1f} s  {text}")
    print(f"address after {found.address_s:.1f} s; first card {found.card_s:.1f} s after it")
    print(f"({found.title}; limit {LIMIT_S:.0f} s after the address)")
    return 0 if found.card_s <= LIMIT_S else 1


if __name__ == "__main__":
    sys.exit(main())
