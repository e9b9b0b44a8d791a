"""A mail server that takes letters, or refuses them: enough SMTP for one client."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class MailBox:
    """Letters as they came. `refusals` are used up one a letter: a line such as `550 no`."""

    letters: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 box\r\n")
        while line := await reader.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                letter = []
                while (text := await reader.readline()) not in {b".\r\n", b""}:
                    letter.append(text.decode())
                self.letters.append("".join(letter))
                writer.write(b"250 taken\r\n")
            elif word == b"MAIL" and self.refusals:
                writer.write(self.refusals.pop(0).encode() + b"\r\n")
            elif word == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 yes\r\n")
            await writer.drain()
        writer.close()


@asynccontextmanager
async def mail_box(refusals: list[str] | None = None) -> AsyncIterator[MailBox]:
    """Serve a box on a port of this machine."""
    box = MailBox(refusals=refusals or [])
    server = await asyncio.start_server(box.serve, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
