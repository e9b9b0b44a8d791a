"""One open page's socket: what it says is checked frame by frame, what the room says goes out."""

import asyncio
from typing import Final

import msgspec
from aiohttp import WSCloseCode, WSMsgType, web

from agents.human.panel_clerk import Clerk
from agents.human.panel_frames import LONGEST_FRAME, Hello, read_frame
from agents.human.panel_http import PanelPages
from agents.human.panel_ports import Surroundings
from agents.human.panel_room import Room
from agents.human.panel_seats import Seat
from agents.human.panel_sign_in import SignIn, SignIns, is_same

Socket = web.WebSocketResponse

# Private codes; the page reads them, and a person reads the reason.
SIGNED_OUT: Final = 4401
NOT_YOURS: Final = 4403
MALFORMED: Final = 4400
TOO_MANY: Final = 4429

_HELLO_S: Final = 5.0
_BURST: Final = 40  # Frames at once; after that as many a second as the next says.
_PER_SECOND: Final = 20
_MOST_SEATS: Final = 200
_MOST_PAGES: Final = 12  # Of one sign-in, so that nobody takes every seat.
_SECOND_NS: Final = 1_000_000_000


class Allowance:
    """How many frames a page may still send now."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._left = float(_BURST)
        self._at_ns = around.steady_ns()

    def take(self) -> bool:
        """Return whether one more is in order."""
        now_ns = self._around.steady_ns()
        gained = (now_ns - self._at_ns) * _PER_SECOND / _SECOND_NS
        self._left = min(_BURST, self._left + gained) - 1
        self._at_ns = now_ns
        return self._left >= 0


class PanelSockets:
    """Serves `/socket`."""

    def __init__(
        self, room: Room, clerk: Clerk, pages: PanelPages, sign_ins: SignIns, around: Surroundings
    ) -> None:
        self._room = room
        self._clerk = clerk
        self._pages = pages
        self._sign_ins = sign_ins
        self._around = around

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Speak with one page until either side ends it."""
        sign_in = self._pages.signed_in(request)
        if sign_in is None:
            raise web.HTTPUnauthorized
        pages = sum(1 for _ in self._room.seats.of(sign_in.sign_in_id))
        if len(self._room.seats) >= _MOST_SEATS or pages >= _MOST_PAGES:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(
            max_msg_size=LONGEST_FRAME, heartbeat=15.0, compress=False, timeout=1.0
        )
        await socket.prepare(request)
        if not await self._is_greeted(socket, sign_in):
            await socket.close(code=NOT_YOURS, message=b"not yours")
            return socket
        seat = Seat(sign_in.sign_in_id, sign_in.person)
        self._room.enter(seat, self._person(sign_in))
        writer = asyncio.create_task(self._write(socket, seat))
        try:
            await self._read(socket, seat)
        finally:
            self._room.seats.remove(seat)
            seat.close(WSCloseCode.GOING_AWAY, "gone")
            await writer
        return socket

    def close_ended(self) -> None:
        """Close the pages whose sign-in has ended, whoever ended it; called twice a second."""
        for seat in self._room.seats:
            if self._sign_ins.find(seat.sign_in_id) is None:
                seat.close(SIGNED_OUT, "signed out")

    async def _is_greeted(self, socket: Socket, sign_in: SignIn) -> bool:
        """Return whether the first frame proves that the page could read its sign-in's token."""
        try:
            message = await asyncio.wait_for(socket.receive(), _HELLO_S)
            frame = read_frame(message.data) if message.type == WSMsgType.TEXT else None
        except (TimeoutError, msgspec.MsgspecError):
            return False
        return isinstance(frame, Hello) and is_same(frame.csrf, sign_in.csrf)

    async def _read(self, socket: Socket, seat: Seat) -> None:
        allowance = Allowance(self._around)
        async for message in socket:
            if message.type != WSMsgType.TEXT:
                seat.close(MALFORMED, "text frames only")
                return
            if not allowance.take():
                seat.close(TOO_MANY, "too many frames")
                return
            try:
                frame = read_frame(message.data)
            except msgspec.MsgspecError:
                seat.close(MALFORMED, "malformed frame")
                return
            sign_in = self._sign_ins.find(seat.sign_in_id)
            if sign_in is None:
                seat.close(SIGNED_OUT, "signed out")
                return
            await self._clerk.take(seat, sign_in, frame)

    async def _write(self, socket: Socket, seat: Seat) -> None:
        """Send what the room says; a page that has gone is noticed by the reader."""
        try:
            while frames := await seat.take():
                for frame in frames:
                    await socket.send_str(frame.decode())
        except ConnectionError:
            return
        code, reason = seat.closing or (WSCloseCode.GOING_AWAY, "")
        await socket.close(code=code, message=reason.encode())

    def _person(self, sign_in: SignIn) -> dict[str, object]:
        person = self._sign_ins.person(sign_in)
        assert person is not None, "a sign-in was just found open"
        return {
            "name": person.name,
            "roles": list(person.roles),
            "may_reject": person.may("trader"),
            "may_approve": person.may("approver"),
            "may_allow": person.may("admin"),
        }
