"""A polite reader of web feeds: conditional, paced, bounded, and patient where it is asked to be.

What it remembers of each address (ETag, Last-Modified) is a plain struct, kept over a restart. An
address that asks for quiet (429, 503, Retry-After) is left alone until then; a body that ends early
is refused, never half read.
"""

import asyncio
import email.utils
from typing import Final

import aiohttp
import msgspec

from environment.errors import OperatingError

_MOST_BYTES: Final = 64_000_000
_ATTEMPTS: Final = 4
_FIRST_WAIT_S: Final = 0.5
_LONGEST_WAIT_S: Final = 60.0
_QUIET: Final = frozenset({429, 503})


class SourceFailed(OperatingError):
    """An address gave nothing that can be used; the text names it and says what it did."""


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What an address said of the content that was read last."""

    etag: str = ""
    modified: str = ""


class WebState(msgspec.Struct):
    """What is remembered of every address."""

    addresses: dict[str, Remembered] = {}


class WebReader:
    """Reads addresses, at most `per_second` requests in any second.

    Parameters
    ----------
    agent
        Who asks, with a way to reach them: the SEC refuses readers who do not say.
    """

    def __init__(
        self, agent: str, *, per_second: float = 8.0, seconds: float = 20.0,
        most_bytes: int = _MOST_BYTES, wait_unit_s: float = _FIRST_WAIT_S,
    ) -> None:  # fmt: skip
        self._agent, self._gap_s, self._most = agent, 1.0 / per_second, most_bytes
        self._timeout = aiohttp.ClientTimeout(total=seconds)
        self._wait_unit_s = wait_unit_s
        self._next = 0.0
        self._quiet_until: dict[str, float] = {}
        self._session: aiohttp.ClientSession | None = None
        self.state = WebState()

    async def read(self, url: str) -> bytes | None:
        """Return the content of an address, or None where it is what was read last.

        Raises
        ------
        SourceFailed
            If it cannot be had: refused, not there, broken off, too long, or asking for quiet.
        """
        problem = "did not answer"
        for attempt in range(_ATTEMPTS):
            if self._quiet_until.get(url, 0.0) > _now():
                raise SourceFailed(f"{url} asked for quiet; it is left alone until then")
            await self._pace()
            try:
                return await self._once(url)
            except _Again as again:
                problem = str(again)
                wait = min(self._wait_unit_s * 2.0**attempt, _LONGEST_WAIT_S)
                if again.wait_s is not None and again.wait_s > wait:
                    self._quiet_until[url] = _now() + again.wait_s
                    raise SourceFailed(f"{url} {problem}, {again.wait_s:.0f} s") from again
            except (aiohttp.ClientPayloadError, asyncio.IncompleteReadError):
                problem, wait = "broke off its answer", self._wait_unit_s
            except TimeoutError:
                problem, wait = "did not answer in time", self._wait_unit_s
            except aiohttp.ClientError as error:
                problem, wait = f"cannot be reached ({type(error).__name__})", self._wait_unit_s
            if attempt + 1 < _ATTEMPTS:
                await asyncio.sleep(wait)
        raise SourceFailed(f"{url} {problem}, {_ATTEMPTS} times")

    async def close(self) -> None:
        """Give connections back."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _pace(self) -> None:
        now = _now()
        turn = max(self._next, now)
        self._next = turn + self._gap_s
        if turn > now:
            await asyncio.sleep(turn - now)

    async def _once(self, url: str) -> bytes | None:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        known = self.state.addresses.get(url, Remembered())
        headers = {"User-Agent": self._agent, "Accept-Encoding": "gzip, deflate"}
        if known.etag:
            headers["If-None-Match"] = known.etag
        if known.modified:
            headers["If-Modified-Since"] = known.modified
        async with self._session.get(url, headers=headers) as response:
            if response.status == 304:
                return None
            if response.status in _QUIET or response.status >= 500:
                wait = response.headers.get("Retry-After", "")
                raise _Again(f"answered {response.status}", _seconds(wait))
            if response.status != 200:
                raise SourceFailed(f"{url} answered {response.status}; check the address")
            content = await self._body(url, response)
            self.state.addresses[url] = Remembered(
                etag=response.headers.get("ETag", ""),
                modified=response.headers.get("Last-Modified", ""),
            )
            return content

    async def _body(self, url: str, response: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        async for chunk in response.content.iter_chunked(65_536):
            content += chunk
            if len(content) > self._most:
                raise SourceFailed(f"{url} is longer than {self._most:,} bytes")
        return bytes(content)


class _Again(Exception):
    """The server may answer later; perhaps it says when."""

    def __init__(self, text: str, wait_s: float | None) -> None:
        super().__init__(text)
        self.wait_s = wait_s


def _now() -> float:
    """Return the event loop's own clock, seconds; no item's time comes from it."""
    return asyncio.get_running_loop().time()


def _seconds(text: str) -> float | None:
    """Return how long a Retry-After asks to wait; as a date it is taken as a minute."""
    try:
        return max(float(text), 0.0)
    except ValueError:
        return 60.0 if email.utils.parsedate(text) is not None else None
