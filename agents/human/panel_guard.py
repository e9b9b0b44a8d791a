"""What every answer of the panel's server passes: where it may be asked from, and its headers.

`Host` is on a list because a name of an attacker's own can be made to mean this machine (DNS
rebinding); `Origin` because a page elsewhere can make a browser send the cookie along.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# The hash is that of an empty style element, which the plotting script fills; style attributes are
# its way of drawing. Without both heat maps come out wrong; with Trusted Types no chart comes.
CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; "
    "style-src-elem 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; "
    "style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Server": "outcry",
}
_HARMLESS: Final = frozenset({"GET", "HEAD"})


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Under which names the panel may be asked for, and from which pages."""

    hosts: frozenset[str]  # HOST:PORT, in lower case, as a browser sends it.
    origins: frozenset[str]
    is_secure: bool


def make_places(hosts: tuple[str, ...], port: int, *, is_secure: bool) -> Places:
    """Return the places of a server that is reached under these names; `[::1]` has its brackets."""
    scheme, usual = ("https", 443) if is_secure else ("http", 80)
    named = {f"{host.lower()}:{port}" for host in hosts}
    if port == usual:
        named |= {host.lower() for host in hosts}
    return Places(
        hosts=frozenset(named),
        origins=frozenset(f"{scheme}://{host}" for host in named),
        is_secure=is_secure,
    )


def find_intruder(request: web.Request, places: Places) -> str:
    """Return why a request is none of ours, or "".

    Whatever changes something, and every socket, must say from which page it comes.
    """
    if len(request.headers.getall("Host", [])) != 1 or request.headers["Host"].lower() not in (
        places.hosts
    ):
        return "unknown Host"
    origin = request.headers.get("Origin")
    is_socket = request.headers.get("Upgrade", "").lower() == "websocket"
    if origin is None:
        is_plain = request.method in _HARMLESS and not is_socket
        return "" if is_plain else "no Origin"
    return "" if origin in places.origins else "foreign Origin"


def guard(places: Places) -> Middleware:
    """Return the middleware that turns strangers away and puts the headers on every answer."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        intruder = find_intruder(request, places)
        response: web.StreamResponse
        if intruder:
            response = web.Response(status=403, text=f"refused: {intruder}\n")
        else:
            try:
                response = await handler(request)
            except web.HTTPException as error:
                response = web.Response(status=error.status, text=f"{error.reason}\n")
            except Exception:  # The server's edge: the log has it, and no detail leaves.
                request.app.logger.exception("%s %s failed", request.method, request.path)
                response = web.Response(status=500, text="the panel failed; nothing was done\n")
        if not response.prepared:
            response.headers.update(_HEADERS)
            response.headers.setdefault("Cache-Control", "no-store")
            if places.is_secure:
                response.headers["Strict-Transport-Security"] = "max-age=31536000"
        return response

    return guarded
