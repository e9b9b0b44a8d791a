"""One question to the watchdog, and its answer."""

import asyncio
from pathlib import Path
from typing import Any, Final

from brokers.frames import Frames, connect
from environment.errors import OperatingError
from environment.message_roots import Message
from scenarios.live.control_wire import peer_decoder

_ANSWER_S: Final = 15.0


async def converse(path: Path, message: Message) -> Any:  # noqa: ANN401  decoded: FromWatchdog
    """Return what the watchdog answers.

    Raises
    ------
    OperatingError
        If none is there.
    TimeoutError
        If it says nothing for 15 s.
    """
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    decoder = peer_decoder()

    def hear(_: Frames, heard: Any) -> None:  # noqa: ANN401  decoded
        if not answer.done():
            answer.set_result(heard)

    def lost(_: Frames, reason: str) -> None:
        if not answer.done():
            answer.set_exception(OperatingError(f"the watchdog is gone: {reason}"))

    try:
        frames = await connect(path, lambda: Frames(decoder, hear, lost))
    except OperatingError as error:
        raise OperatingError(f"nothing runs from {path.parent} ({error})") from error
    frames.send(message)
    try:
        return await asyncio.wait_for(answer, _ANSWER_S)
    finally:
        frames.close()
