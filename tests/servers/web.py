"""A web server that behaves as feeds and the SEC do: ETags, limits, faults in turn."""

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class Site:
    """Pages by path, and what goes wrong.

    `faults` are used up one a request: a status, "cut" (half a body), "hang". With `needs_agent` a
    request that does not say who asks is refused, as the SEC does.
    """

    pages: dict[str, bytes] = field(default_factory=dict)
    faults: list[int | str] = field(default_factory=list)
    retry_after: str = ""
    needs_agent: bool = False
    heard: list[tuple[str, int]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        response = await self._answer(request)
        self.heard.append((request.path, response.status))
        return response

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, int):
            headers = {"Retry-After": self.retry_after} if self.retry_after else {}
            return web.Response(status=fault, headers=headers)
        if self.needs_agent and "@" not in request.headers.get("User-Agent", ""):
            return web.Response(status=403)
        page = self.pages.get(request.path)
        if page is None:
            return web.Response(status=404)
        tag = f'"{len(page)}-{page[:8].hex()}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304)
        if fault == "cut":
            headers = {"Content-Length": str(len(page)), "ETag": tag}
            cut = web.StreamResponse(headers=headers)
            await cut.prepare(request)
            await cut.write(page[: len(page) // 2])
            assert request.transport is not None
            request.transport.close()
            return cut
        body, coding = gzip.compress(page), {"Content-Encoding": "gzip", "ETag": tag}
        return web.Response(body=body, headers=coding)


@asynccontextmanager
async def serve(site: Site) -> AsyncIterator[str]:
    """Serve a site on loopback; yields its URL without a slash at the end."""
    application = web.Application()
    application.router.add_get("/{path:.*}", site.answer)
    server = TestServer(application)
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()
