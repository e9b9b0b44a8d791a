"""A model served by Ollama, through its official client.

The schema goes in as `format=`; the answer is streamed, so that a deadline holds within an answer
too. A model that is not there is never pulled by asking: `pull` is a command of its own.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import httpx
import ollama

from llm.prices import tokens_of
from llm.providers.provider import Call, Completion, Failure, ProviderFailed, tokens_asked

_KEEP_ALIVE: Final = "10m"
_LISTING_S: Final = 5.0
_KINDS: Final[dict[int, Failure]] = {
    401: "refused_key", 403: "refused_key", 404: "unknown_model", 429: "rate_limited",
    500: "bad_reply", 503: "overloaded",
}  # fmt: skip


class OllamaServer:
    """Asks one model of one server."""

    name = "ollama"

    def __init__(
        self, model: str, url: str, *, keep_alive: str = _KEEP_ALIVE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.model = model
        self._url, self._keep_alive, self._monotonic = url, keep_alive, monotonic
        # One client keeps its connections; how long a request may take is its thread's own.
        self._left = threading.local()
        self._client = ollama.Client(host=url, event_hooks={"request": [self._limit]})

    def complete(self, call: Call) -> Completion:
        """Return what the model wrote."""
        ends = self._monotonic() + call.seconds
        messages = [
            {"role": "system", "content": call.ask.system},
            {"role": "user", "content": call.user},
            *({"role": turn.role, "content": turn.text} for turn in call.turns),
        ]
        limits = call.ask.limits
        options = {
            "temperature": limits.temperature, "seed": call.ask.sample,
            "num_predict": limits.max_tokens,
        }  # fmt: skip
        self._left.seconds = call.seconds
        try:
            stream = self._client.chat(
                model=self.model, messages=messages, format=call.schema, options=options,
                stream=True, keep_alive=self._keep_alive,
            )  # fmt: skip
            return self._read(stream, ends, call)
        except ollama.ResponseError as error:
            raise self._failed(error) from error
        except (ConnectionError, httpx.ConnectError) as error:
            raise self._unreachable() from error
        except httpx.TimeoutException as error:
            raise ProviderFailed("too_late", f"{self._url} did not answer in time") from error
        except (httpx.HTTPError, ValueError) as error:
            # A body that ends early or is no JSON: what it would have said is not known.
            text = f"{self._url} broke off its answer ({type(error).__name__})"
            raise ProviderFailed("cut_short", text) from error

    def _limit(self, request: httpx.Request) -> None:
        seconds = getattr(self._left, "seconds", _LISTING_S)
        request.extensions["timeout"] = httpx.Timeout(seconds).as_dict()

    def _read(self, stream: Iterator[Any], ends: float, call: Call) -> Completion:
        pieces: list[str] = []
        for chunk in stream:
            pieces.append(chunk.message.content or "")
            if chunk.done:
                if chunk.done_reason == "length":
                    raise ProviderFailed("cut_short", "the answer reached its longest length")
                # A prompt that the server still knew is not counted: then by estimate.
                text = "".join(pieces)
                return Completion(
                    text=text, tokens_in=chunk.prompt_eval_count or tokens_asked(call),
                    tokens_out=chunk.eval_count or tokens_of(text),
                )  # fmt: skip
            if self._monotonic() > ends:
                raise ProviderFailed("too_late", f"{self._url} had not finished in time")
        raise ProviderFailed("cut_short", f"{self._url} ended its answer without saying so")

    def _failed(self, error: ollama.ResponseError) -> ProviderFailed:
        kind = _KINDS.get(error.status_code, "bad_reply")
        mend = {
            "unknown_model": f"run: ollama pull {self.model}",
            "refused_key": "check who may use this server",
        }.get(kind, "look at the server's log")
        return ProviderFailed(kind, f"{self._url}: {error.error}; {mend}")

    def _unreachable(self) -> ProviderFailed:
        return ProviderFailed("unreachable", f"no Ollama server at {self._url}; run: ollama serve")

    def trouble(self) -> str:
        """Return what keeps it from answering, or ""."""
        try:
            listed = {str(entry.model) for entry in self._client.list().models}
        except (ConnectionError, httpx.HTTPError, ollama.ResponseError, ValueError):
            return str(self._unreachable())
        if self.model in listed or f"{self.model}:latest" in listed:
            return ""
        return f"{self._url} has no model {self.model}; run: ollama pull {self.model}"

    def pull(self) -> None:
        """Have the server fetch the model; only ever called because a person asked for it."""
        self._left.seconds = None  # It takes as long as it takes.
        self._client.pull(self.model)

    def close(self) -> None:
        """Give its connections back."""
        self._client.close()  # type: ignore[no-untyped-call]  # The client has no types there.
