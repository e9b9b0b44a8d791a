"""The panel's pages and sign-in over HTTP. Every request passed the guard before it comes here."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from agents.human.panel_files import (
    CHARTS_NAME,
    StaticFile,
    chart_script,
    panel_version,
    static_files,
)
from agents.human.panel_frames import Password, Text
from agents.human.panel_passwords import LockedOut, Passwords, TooBusy
from agents.human.panel_sign_in import LIFE_NS, LONGEST_NS, SignIn, SignIns, is_same
from agents.human.panel_text import shown
from agents.human.people import PeopleRefusal, Person

LONGEST_BODY: Final = 4_096
_BROWSER_COOKIE: Final = "outcry_browser"
_BROWSER_LIFE_S: Final = 400 * 86_400
_SECOND_NS: Final = 1_000_000_000

F = TypeVar("F")


class SignInForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Name and password."""

    name: Text
    password: Password


class LinkForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A one-time link's token, and the password that its holder chooses."""

    token: Text
    password: Password


class PanelPages:
    """The handlers. `told` is called with kind, person and text of what the audit must hold."""

    def __init__(
        self, sign_ins: SignIns, passwords: Passwords, *, is_secure: bool, floor: str,
        told: Callable[[str, str, str], None],
    ) -> None:  # fmt: skip
        self._sign_ins = sign_ins
        self._passwords = passwords
        self._is_secure = is_secure
        self._floor = floor
        self._told = told
        # The prefix lets browsers refuse a cookie set without encryption, or by a neighbour.
        self._cookie = "__Host-outcry" if is_secure else "outcry"

    def routes(self) -> list[web.RouteDef]:
        """Return what is to be found where."""
        return [
            web.get("/", self._index),
            web.get("/static/{name}", self._static),
            web.get("/api/session", self._session),
            web.post("/api/sign-in", self._sign_in),
            web.post("/api/link", self._link),
            web.post("/api/renew", self._renew),
            web.post("/api/sign-out", self._sign_out),
        ]

    def signed_in(self, request: web.Request) -> SignIn | None:
        """Return the open sign-in that a request's cookie names."""
        token = request.cookies.get(self._cookie)
        return self._sign_ins.read(token) if token else None

    # --- files -------------------------------------------------------------------------------

    async def _index(self, request: web.Request) -> web.Response:
        page = static_files()["index.html"].content
        body = page.replace(b"@VERSION@", panel_version().encode())
        body = body.replace(b"@CHARTS@", CHARTS_NAME.encode())
        response = web.Response(body=body, content_type="text/html", charset="utf-8")
        if _BROWSER_COOKIE not in request.cookies:
            response.set_cookie(
                _BROWSER_COOKIE, self._sign_ins.random_text(), max_age=_BROWSER_LIFE_S,
                httponly=True, samesite="Strict", secure=self._is_secure, path="/",
            )  # fmt: skip
        return response

    async def _static(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name == CHARTS_NAME:
            return _sent(request, await asyncio.to_thread(chart_script))
        file = static_files().get(name)
        if file is None:
            raise web.HTTPNotFound
        return _sent(request, file)

    # --- sign-in -----------------------------------------------------------------------------

    async def _session(self, request: web.Request) -> web.Response:
        sign_in = self.signed_in(request)
        person = self._sign_ins.person(sign_in) if sign_in else None
        if sign_in is None or person is None:
            return web.json_response({"signed_in": False, "floor": self._floor})
        return web.json_response(self._told_of(sign_in, person))

    async def _sign_in(self, request: web.Request) -> web.Response:
        form = await _form(request, SignInForm)
        name, address = form.name.strip(), request.remote or ""
        try:
            person = await self._passwords.check(name, form.password, address)
        except LockedOut as error:
            self._told("locked_out", shown(name, 40), address)
            return _refusal(429, str(error), wait_s=error.wait_s)
        except TooBusy as error:
            return _refusal(503, str(error), wait_s=2)
        if person is None:
            self._told("sign_in_failed", shown(name, 40), address)
            return _refusal(401, "unknown name or wrong password")
        return self._begin(request, person)

    async def _link(self, request: web.Request) -> web.Response:
        form = await _form(request, LinkForm)
        try:
            person = await self._passwords.use_link(form.token, form.password, request.remote or "")
        except LockedOut as error:
            return _refusal(429, str(error), wait_s=error.wait_s)
        except TooBusy as error:
            return _refusal(503, str(error), wait_s=2)
        except PeopleRefusal as refusal:
            return _refusal(403, str(refusal))
        self._told("password_chosen", person.name, request.remote or "")
        return self._begin(request, person)

    async def _renew(self, request: web.Request) -> web.Response:
        sign_in, person = self._require(request)
        self._sign_ins.renew(sign_in)
        return self._with_cookie(sign_in, person)

    async def _sign_out(self, request: web.Request) -> web.Response:
        sign_in, person = self._require(request)
        self._sign_ins.end(sign_in.sign_in_id)
        self._told("sign_out", person.name, request.remote or "")
        response = web.json_response({"signed_in": False, "floor": self._floor})
        response.del_cookie(self._cookie, path="/", secure=self._is_secure, httponly=True)
        return response

    def _require(self, request: web.Request) -> tuple[SignIn, Person]:
        """Return who asks, if the page could also read its sign-in's own token."""
        sign_in = self.signed_in(request)
        person = self._sign_ins.person(sign_in) if sign_in else None
        if sign_in is None or person is None:
            raise web.HTTPUnauthorized
        if not is_same(request.headers.get("X-CSRF", ""), sign_in.csrf):
            raise web.HTTPForbidden
        return sign_in, person

    def _begin(self, request: web.Request, person: Person) -> web.Response:
        # A new record each time, and the old one of this browser ends: no session is carried over.
        before = self.signed_in(request)
        if before is not None:
            self._sign_ins.end(before.sign_in_id)
        browser = request.cookies.get(_BROWSER_COOKIE, "")[:64]
        sign_in = self._sign_ins.begin(person, browser, request.remote or "")
        self._told("sign_in", person.name, request.remote or "")
        return self._with_cookie(sign_in, person)

    def _with_cookie(self, sign_in: SignIn, person: Person) -> web.Response:
        response = web.json_response(self._told_of(sign_in, person))
        response.set_cookie(
            self._cookie, self._sign_ins.token(sign_in), max_age=LONGEST_NS // _SECOND_NS,
            httponly=True, samesite="Strict", secure=self._is_secure, path="/",
        )  # fmt: skip
        return response

    def _told_of(self, sign_in: SignIn, person: Person) -> dict[str, object]:
        return {
            "signed_in": True,
            "floor": self._floor,
            "name": person.name,
            "roles": list(person.roles),
            "csrf": sign_in.csrf,
            "renew_s": LIFE_NS // _SECOND_NS // 2,
            "version": panel_version(),
        }


async def _form(request: web.Request, kind: type[F]) -> F:
    """Return a JSON body as the struct it must be; forms of other pages cannot send that type."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.MsgspecError:
        raise web.HTTPBadRequest from None


def _refusal(status: int, reason: str, *, wait_s: int = 0) -> web.Response:
    response = web.json_response({"reason": reason, "wait_s": wait_s}, status=status)
    if wait_s:
        response.headers["Retry-After"] = str(wait_s)
    return response


def _sent(request: web.Request, file: StaticFile) -> web.Response:
    headers = {
        "ETag": file.tag,
        "Cache-Control": "public, max-age=31536000, immutable" if file.is_kept else "no-cache",
        "Vary": "Accept-Encoding",
        "Content-Type": file.kind,
    }
    if request.headers.get("If-None-Match") == file.tag:
        return web.Response(status=304, headers=headers)
    if file.packed and "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=file.packed, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=file.content, headers=headers)
