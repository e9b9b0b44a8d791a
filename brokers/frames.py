"""Messages on a Unix socket: each is a length of four bytes, big-endian, and that much MessagePack.

Who is at the other end is asked of the kernel: only processes of our own user are spoken to, and
only a socket that nobody else can reach is served.
"""

import asyncio
import os
import socket
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

import msgspec

from environment.errors import ConfigError, OperatingError
from environment.message_roots import Message

_LENGTH: Final = struct.Struct(">I")
_LONGEST: Final = 1 << 24
_CREDENTIALS: Final = struct.Struct("3i")  # Process, user and group of the peer.

_encoder = msgspec.msgpack.Encoder()


def frame(message: Message) -> bytes:
    """Return one message as it goes over a socket."""
    data = _encoder.encode(message)
    return _LENGTH.pack(len(data)) + data


class Frames(asyncio.Protocol):
    """One connection: hands over each message as it comes, without a task for any.

    A peer that sends what is no message of the decoder's union is cut off: nothing is guessed.
    """

    def __init__(
        self, decoder: "msgspec.msgpack.Decoder[Any]",
        on_message: Callable[["Frames", Any], None],
        on_closed: Callable[["Frames", str], None],
    ) -> None:  # fmt: skip
        self._decode = decoder.decode
        self._on_message = on_message
        self._on_closed = on_closed
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._reason = ""
        self.after_read: Callable[[], None] = lambda: None  # All that one read brought is told.
        self.peer_process = self.peer_user = -1

    @property
    def is_open(self) -> bool:
        """Return whether messages can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, if the peer is of our own user."""
        # A stream's; that of uvloop is no subclass of asyncio's own.
        self._transport = cast("asyncio.Transport", transport)
        # What is sent goes out at once: uvloop would keep it until its round is over.
        self._transport.set_write_buffer_limits(high=0)
        peer = transport.get_extra_info("socket")
        raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        self.peer_process, self.peer_user, _ = _CREDENTIALS.unpack(raw)
        if self.peer_user != os.getuid():
            self.close(f"the peer is user {self.peer_user}")

    def data_received(self, data: bytes) -> None:
        """Hand over every message that is whole."""
        buffer, taken = self._buffer, 0
        buffer += data
        while len(buffer) - taken >= _LENGTH.size and self.is_open:
            (length,) = _LENGTH.unpack_from(buffer, taken)
            if length > _LONGEST:
                self.close(f"a frame of {length} bytes")
                return
            end = taken + _LENGTH.size + length
            if len(buffer) < end:
                break
            try:
                message = self._decode(bytes(buffer[taken + _LENGTH.size : end]))
            except msgspec.MsgspecError as error:
                self.close(f"no message of this protocol: {error}")
                return
            taken = end
            self._on_message(self, message)
        del buffer[:taken]
        if taken:
            self.after_read()

    def connection_lost(self, error: Exception | None) -> None:
        """Say that the connection is over, and why."""
        self._transport = None
        self._on_closed(self, self._reason or (str(error) if error else "closed by the peer"))

    def send(self, message: Message) -> None:
        """Send one message; what is sent to a connection that is over is lost."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame(message))

    def close(self, reason: str = "closed here") -> None:
        """End the connection after what was sent."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.close()


async def serve(path: Path, make: Callable[[], Frames]) -> asyncio.Server:
    """Return a server on a Unix socket of mode 0600, in a folder that is ours alone.

    Raises
    ------
    ConfigError
        If the folder is open to others, or another process serves there already.
    """
    if await is_served(path):
        raise ConfigError(f"{path}: another process serves there; stop it first")
    _prepare(path)
    loop = asyncio.get_running_loop()
    mask = os.umask(0o177)
    try:
        return await loop.create_unix_server(make, str(path))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be served ({error}); use a shorter path") from error
    finally:
        os.umask(mask)


async def is_served(path: Path) -> bool:
    """Return whether a process accepts connections at a socket."""
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def connect(path: Path, make: Callable[[], Frames]) -> Frames:
    """Return a connection to a socket.

    Raises
    ------
    OperatingError
        If nobody serves there.
    ConfigError
        If others can reach the socket.
    """
    _check(path)
    loop = asyncio.get_running_loop()
    try:
        _, frames = await loop.create_unix_connection(make, str(path))
    except OSError as error:
        raise OperatingError(f"{path}: nobody answers ({error.strerror})") from error
    return frames


def _prepare(path: Path) -> None:
    """Take away what a dead process left, in a folder that only we can write."""
    mode = stat.S_IMODE(path.parent.lstat().st_mode)
    if mode & 0o077:
        raise ConfigError(f"{path.parent}: mode {mode:04o} lets others in; chmod 700 it")
    path.unlink(missing_ok=True)


def _check(path: Path) -> None:
    """Refuse a socket that others can reach, or that is not there."""
    try:
        state = path.lstat()
    except OSError as error:
        raise OperatingError(f"{path}: nobody serves there") from error
    mode = stat.S_IMODE(state.st_mode)
    if state.st_uid != os.getuid() or mode & 0o077:
        raise ConfigError(f"{path}: mode {mode:04o} lets others in; chmod 600 it, and look who did")
