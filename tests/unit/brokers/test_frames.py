"""Messages on a socket: whole, from our own user, on a socket that nobody else can reach."""

import asyncio
import os
import stat
import struct
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from brokers.frames import Frames, connect, frame, is_served, serve
from environment.errors import ConfigError, OperatingError
from environment.venue_messages import QueryAccount, QueryOrder

DECODER: Any = msgspec.msgpack.Decoder(QueryOrder | QueryAccount)


class Peer:
    """One end: what it heard, and how it ended."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.ended: list[str] = []
        self.made: list[Frames] = []

    def make(self) -> Frames:
        frames = Frames(
            DECODER, lambda _, message: self.heard.append(message),
            lambda _, reason: self.ended.append(reason),
        )  # fmt: skip
        self.made.append(frames)
        return frames

    async def close(self) -> None:
        """End every connection, and let the loop see to it."""
        for _ in range(5):  # One that was just accepted is made a round later.
            for frames in self.made:
                frames.close()
            await asyncio.sleep(0.01)


async def until(is_so: Callable[[], Any]) -> None:
    async with asyncio.timeout(5):
        while not is_so():  # noqa: ASYNC110  the other end has no event to wait for
            await asyncio.sleep(0.001)


def run(folder: Path, test: Callable[[Path, Peer], Coroutine[Any, Any, None]]) -> None:
    folder.chmod(0o700)

    async def body() -> None:
        server = Peer()
        serving = await serve(folder / "s.sock", server.make)
        try:
            await test(folder / "s.sock", server)
        finally:
            serving.close()
            await serving.wait_closed()
            await server.close()

    asyncio.run(body())


def test_messages_arrive_whole_however_they_are_cut(tmp_path: Path) -> None:
    messages = [QueryOrder(client_order_id="x" * size) for size in (0, 1, 300, 70_000)]
    data = b"".join(map(frame, messages))

    async def test(path: Path, server: Peer) -> None:
        _, writer = await asyncio.open_unix_connection(str(path))
        for start in range(0, len(data), 7_001):
            writer.write(data[start : start + 7_001])
            await writer.drain()
            await asyncio.sleep(0.001)
        await until(lambda: len(server.heard) == 4)
        assert server.heard == messages
        writer.close()

    run(tmp_path, test)


@pytest.mark.parametrize(
    ("data", "reason"),
    [(struct.pack(">I", 1 << 30), "a frame of"), (struct.pack(">I", 1) + b"\xc1", "no message")],
)
def test_peer_that_speaks_something_else_is_cut_off(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    async def test(path: Path, server: Peer) -> None:
        _, writer = await asyncio.open_unix_connection(str(path))
        writer.write(data)
        await until(lambda: server.ended)
        assert server.ended[0].startswith(reason)
        assert server.heard == []
        writer.close()

    run(tmp_path, test)


def test_socket_is_ours_alone_and_served_once(tmp_path: Path) -> None:
    async def test(path: Path, server: Peer) -> None:
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600  # noqa: PTH116
        assert await is_served(path)
        with pytest.raises(ConfigError, match="another process serves there"):
            await serve(path, server.make)
        os.chmod(path, 0o666)  # noqa: PTH101
        with pytest.raises(ConfigError, match="chmod 600"):
            await connect(path, server.make)

    run(tmp_path, test)


def test_socket_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)

    async def body() -> None:
        first = await serve(tmp_path / "s.sock", Peer().make)
        first.close()
        await first.wait_closed()
        assert not await is_served(tmp_path / "s.sock")
        second = await serve(tmp_path / "s.sock", Peer().make)
        second.close()
        await second.wait_closed()

    asyncio.run(body())


def test_loose_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(ConfigError, match="chmod 700"):
        asyncio.run(serve(tmp_path / "s.sock", Peer().make))


def test_nobody_there_is_an_operating_error(tmp_path: Path) -> None:
    with pytest.raises(OperatingError, match="nobody serves"):
        asyncio.run(connect(tmp_path / "s.sock", Peer().make))
