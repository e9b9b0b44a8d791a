"""A model behind the OpenAI protocol, through its official client; any base URL.

A server that does not know strict JSON schemas is asked for a JSON object, and one that does not
know that either for plain text; what it can is remembered. Decoding is as strict in all three.
"""

from typing import Any, Final

import httpx2
import msgspec
import openai

from llm.prices import tokens_of
from llm.providers.provider import Call, Completion, ProviderFailed, tokens_asked

# From the most to the least that a server can be asked to enforce.
_SCHEMA, _OBJECT, _TEXT = range(3)
_UNSUPPORTED: Final = ("response_format", "json_schema", "json_object", "schema")


class OpenAIServer:
    """Asks one model of one server."""

    name = "openai"

    def __init__(self, model: str, url: str | None, key: str) -> None:
        self.model = model
        self._shown = url or "the OpenAI API"
        # Retries are the caller's: it alone knows what is safe to repeat, and what time is left.
        self._client = openai.OpenAI(api_key=key or "none", base_url=url, max_retries=0)
        self._level = _SCHEMA
        self._left_out: set[str] = set()  # Settings that this model refuses.
        self._has_key = bool(key)

    def complete(self, call: Call) -> Completion:
        """Return what the model wrote."""
        if not self._has_key:
            text = f"{self._shown} needs a key; set the variable that [models] names"
            raise ProviderFailed("refused_key", text)
        while True:
            level = self._level
            try:
                return self._read(self._create(call, level), call)
            except openai.BadRequestError as error:
                if self._leaves_out(error):
                    continue
                if level == _TEXT or not _is_about_format(error):
                    raise ProviderFailed("refused", f"{self._shown}: {error}") from error
                self._level = max(self._level, level + 1)
            except openai.OpenAIError as error:
                raise self._failed(error) from error
            except (ValueError, TypeError, AttributeError, httpx2.HTTPError) as error:
                # The client decodes replies without validating them; this is where it trips.
                text = f"{self._shown} broke off its answer ({type(error).__name__})"
                raise ProviderFailed("cut_short", text) from error

    def _create(self, call: Call, level: int) -> Any:  # noqa: ANN401  # Unvalidated, see above.
        limits = call.ask.limits
        system = call.ask.system
        if level != _SCHEMA:
            schema = msgspec.json.encode(call.schema).decode()
            system = f"{system}\n\nAnswer with one JSON object of this schema:\n{schema}"
        formats: dict[int, dict[str, Any]] = {
            _SCHEMA: {
                "type": "json_schema",
                "json_schema": {"name": call.form, "schema": call.schema, "strict": True},
            },
            _OBJECT: {"type": "json_object"},
        }
        options: dict[str, Any] = {"response_format": formats[level]} if level in formats else {}
        messages: list[Any] = [
            {"role": "system", "content": system},
            {"role": "user", "content": call.user},
            *({"role": turn.role, "content": turn.text} for turn in call.turns),
        ]
        longest = "max_completion_tokens" if "max_tokens" in self._left_out else "max_tokens"
        options[longest] = limits.max_tokens
        settings = {"temperature": limits.temperature, "seed": call.ask.sample}
        options |= {name: v for name, v in settings.items() if name not in self._left_out}
        return self._client.chat.completions.create(
            model=self.model, messages=messages, timeout=call.seconds, **options
        )

    def _leaves_out(self, error: openai.BadRequestError) -> bool:
        """Return whether the error names a setting that can be left out from now on.

        Reasoning models refuse a temperature, and know the longest answer by another name.
        """
        for name in ("max_tokens", "temperature", "seed"):
            if f"'{name}'" in str(error) and name not in self._left_out:
                self._left_out.add(name)
                return True
        return False

    def _read(self, reply: Any, call: Call) -> Completion:  # noqa: ANN401  # Unvalidated, see above.
        if not reply.choices:
            raise ProviderFailed("bad_reply", f"{self._shown} gave no choice")
        choice = reply.choices[0]
        if choice.finish_reason == "length":
            raise ProviderFailed("cut_short", "the answer reached its longest length")
        if choice.message.refusal:
            raise ProviderFailed("refused", f"the model refused: {choice.message.refusal}")
        usage, text = reply.usage, str(choice.message.content or "")
        # What a server does not count is estimated from above: a budget must hold there too.
        return Completion(
            text=text,
            tokens_in=int(usage.prompt_tokens) if usage else tokens_asked(call),
            tokens_out=int(usage.completion_tokens) if usage else tokens_of(text),
        )

    def _failed(self, error: openai.OpenAIError) -> ProviderFailed:
        where = self._shown
        match error:
            case openai.APITimeoutError():
                return ProviderFailed("too_late", f"{where} did not answer in time")
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                text = f"{where} refused the key; check the variable that [models] names"
                return ProviderFailed("refused_key", text)
            case openai.NotFoundError():
                text = f"{where} has no model {self.model}; check model and url"
                return ProviderFailed("unknown_model", text)
            case openai.RateLimitError():
                wait = error.response.headers.get("retry-after", "")
                return ProviderFailed(
                    "rate_limited", f"{where} asks for fewer calls", _seconds(wait)
                )
            case openai.APIStatusError(status_code=code) if code in {502, 503, 529}:
                return ProviderFailed("overloaded", f"{where} is overloaded ({code})")
            case openai.APIConnectionError() if _is_refused(error):
                return ProviderFailed("unreachable", f"no server answers at {where}; check url")
            case _:
                text = f"{where}: {type(error).__name__}"
                return ProviderFailed("cut_short", text)

    def trouble(self) -> str:
        """Return what keeps it from answering, or "". Listing models is free."""
        if not self._has_key:
            return "its key is not set; set the variable or file that [models] names"
        try:
            listed = {model.id for model in self._client.models.list()}
        except openai.NotFoundError:
            return ""  # Not every server lists its models.
        except openai.OpenAIError as error:
            return str(self._failed(error))
        except (ValueError, TypeError, AttributeError, httpx2.HTTPError):
            return f"{self._shown} does not speak the OpenAI protocol; check url"
        known = self.model in listed
        return "" if known else f"{self._shown} has no model {self.model}; check model"

    def close(self) -> None:
        """Give its connections back."""
        self._client.close()


def _is_about_format(error: openai.BadRequestError) -> bool:
    return any(word in str(error).lower() for word in _UNSUPPORTED)


def _is_refused(error: openai.APIConnectionError) -> bool:
    """Return whether no connection was made: then nothing was computed or charged."""
    return isinstance(error.__cause__, httpx2.ConnectError)


def _seconds(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
