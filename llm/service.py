"""The performer of `AskModel`: route, cassette, budget, pace, retries, one repair, or abstention.

Called from many threads at once, one for each question under way. Nothing that a model or a server
does gets out of here but as a `ModelAnswer`.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from llm.cassette import Cassette, CassetteMiss, Entry
from llm.disguise import Disguise, make_disguise
from llm.forms import Malformed, decode_answer, schema_of
from llm.messages import AskModel, ModelAnswer
from llm.pace import Pace, wait_before
from llm.prices import FREE, Price
from llm.providers.provider import (
    SAFE_TO_REPEAT,
    Call,
    Completion,
    Provider,
    ProviderFailed,
    Turn,
    tokens_asked,
)
from llm.purse import Purse, RunBudget
from llm.rendering import LookAhead, check_times, user_text

_ATTEMPTS: Final = 4
_REST_S: Final[dict[str, float]] = {
    "unreachable": 15.0, "unknown_model": 60.0, "refused_key": 60.0, "overloaded": 5.0,
}  # fmt: skip
_DISGUISE: Final = 1  # Seed of the map: one for all, so that equal questions stay equal.
_SHOWN: Final = 2_000  # Characters of a malformed answer that are shown to the model again.


@dataclass(frozen=True)
class Route:
    """How a role is answered: by whom, how fast, at what price, and who stands in."""

    provider: Provider
    pace: Pace = field(default_factory=Pace)
    price: Price = FREE
    fallback: str | None = None


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What one question cost on the wall; telemetry, and no part of the journal."""

    agent: str
    role: str
    provider: str
    model: str
    seconds: float
    tokens_in: int
    tokens_out: int
    usd_micros: int
    outcome: str
    attempts: int


@dataclass
class _Tally:
    """What one question has used so far, all attempts and routes together."""

    tokens_in: int = 0
    tokens_out: int = 0
    usd_micros: int = 0
    attempts: int = 0


class _Abstain(Exception):
    """The question ends here, whoever might stand in."""


class _NoTurn(ProviderFailed):
    """The deadline came while others were served: nothing was asked."""


class ModelService:
    """Answers questions by role.

    Parameters
    ----------
    routes
        By role; a fallback names another role.
    forms
        The structs that answers must fit, by the name that questions use.
    """

    def __init__(
        self, routes: Mapping[str, Route], forms: Mapping[str, type[msgspec.Struct]],
        *, purse: Purse | None = None, cassette: Cassette | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self._routes, self._forms = dict(routes), dict(forms)
        self._schemas = {name: schema_of(form) for name, form in self._forms.items()}
        self._purse = purse if purse is not None else Purse(RunBudget())
        self.cassette = cassette
        self._cache: dict[str, Entry] = {}
        self._down: dict[int, tuple[float, ProviderFailed]] = {}  # Until when, by provider.
        self._said: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._monotonic, self._sleep = monotonic, sleep
        self._log = logging.getLogger("outcry.llm")
        self.facts: list[CallFacts] = []

    def beside(self, forms: Mapping[str, type[msgspec.Struct]]) -> "ModelService":
        """Return a service of the same models and purse for other forms, with no cassette.

        For questions of people: they are no part of what a run repeats.
        """
        return ModelService(
            self._routes, forms, purse=self._purse, monotonic=self._monotonic, sleep=self._sleep
        )

    def perform(self, ask: AskModel) -> ModelAnswer:
        """Return the answer, or an abstention with its reason."""
        began, tally = self._monotonic(), _Tally()
        try:
            check_times(ask.parts, ask.asked_ns)
            answer = self._by_role(ask, began + ask.limits.seconds, tally)
        except LookAhead as error:
            answer = ModelAnswer(reason=f"look-ahead: {error}")
        except _Abstain as error:
            answer = ModelAnswer(reason=str(error))
        answer = msgspec.structs.replace(
            answer, tokens_in=tally.tokens_in, tokens_out=tally.tokens_out,
            usd_micros=tally.usd_micros,
        )  # fmt: skip
        if answer.abstains:
            self._say_once(ask, answer.reason)
        self.facts.append(
            CallFacts(
                agent=ask.agent, role=ask.role, provider=answer.provider, model=answer.model,
                seconds=self._monotonic() - began, tokens_in=tally.tokens_in,
                tokens_out=tally.tokens_out, usd_micros=tally.usd_micros,
                outcome=answer.reason.split(":")[0] or "answered", attempts=tally.attempts,
            )
        )  # fmt: skip
        return answer

    def close(self) -> None:
        """Save what was recorded, and give connections back."""
        if self.cassette is not None:
            self.cassette.save()
        for route in self._routes.values():
            route.provider.close()

    def _by_role(self, ask: AskModel, ends: float, tally: _Tally) -> ModelAnswer:
        """Ask the role's route, then whoever stands in for it."""
        role: str | None = ask.role
        reasons: list[str] = []
        if ask.form not in self._forms:
            raise _Abstain(f"no form is called {ask.form!r}")
        worn = make_disguise(ask.disguise, _DISGUISE) if ask.disguise else None
        shown = ask if worn is None else worn.hide(ask)
        user = user_text(shown)
        while role is not None:
            route = self._routes.get(role)
            if route is None:
                raise _Abstain(f"no model has the role {role!r}; name one under [models]")
            try:
                answer = self._answer(route, shown, user, (ends, tally))
                return answer if worn is None else _revealed(answer, worn, ask)
            except ProviderFailed as error:
                reasons.append(f"{error.kind}: {error}")
                self._say_once(ask, reasons[-1])
            role = route.fallback
        raise _Abstain("; then ".join(reasons))

    def _answer(
        self, route: Route, ask: AskModel, user: str, upkeep: tuple[float, _Tally]
    ) -> ModelAnswer:
        """Return one provider's answer; a malformed one is asked for once more, with the error."""
        call = Call(ask=ask, user=user, form=ask.form, schema=self._schemas[ask.form])
        said = self._completion(route, call, *upkeep)
        try:
            return self._decoded(route, ask, said, repaired=False)
        except Malformed as error:
            complaint = f"That does not fit the form: {error}. Answer with the one JSON object."
            turns = (Turn("assistant", said[:_SHOWN]), Turn("user", complaint))
        said = self._completion(route, msgspec.structs.replace(call, turns=turns), *upkeep)
        try:
            return self._decoded(route, ask, said, repaired=True)
        except Malformed as error:
            provider = route.provider
            return ModelAnswer(
                reason=f"malformed: {error}", said=said[:_SHOWN], provider=provider.name,
                model=provider.model, repaired=True,
            )  # fmt: skip

    def _decoded(self, route: Route, ask: AskModel, said: str, *, repaired: bool) -> ModelAnswer:
        answer = decode_answer(said, self._forms[ask.form])
        # Encoded anew: what goes on is what was understood, not what was written.
        text = msgspec.json.encode(answer).decode()
        provider = route.provider
        return ModelAnswer(
            text=text, provider=provider.name, model=provider.model, repaired=repaired
        )

    def _completion(self, route: Route, call: Call, ends: float, tally: _Tally) -> str:
        """Return a completion: from the cassette, from an equal question before, or asked for."""
        key = key_of(route.provider, call)
        entry = self._kept(key)
        if entry is None:
            entry = self._record(route, call, key, ends, tally)
            with self._lock:
                self._cache[key] = entry
        if entry.failed is not None:
            raise ProviderFailed(entry.failed, "as recorded on the cassette")
        # Counted as if asked for each time: which of two equal questions came first is wall time.
        tally.tokens_in += entry.tokens_in
        tally.tokens_out += entry.tokens_out
        tally.usd_micros += route.price.usd_micros(entry.tokens_in, entry.tokens_out)
        return entry.text

    def _kept(self, key: str) -> Entry | None:
        with self._lock:
            entry = self._cache.get(key)
        if entry is not None or self.cassette is None:
            return entry
        try:
            return self.cassette.find(key)
        except CassetteMiss as miss:
            raise _Abstain(f"cassette: {miss}; record it again") from miss

    def _record(self, route: Route, call: Call, key: str, ends: float, tally: _Tally) -> Entry:
        began = self._monotonic()
        entry = _entry(route.provider, call, key)
        try:
            done = self._repeated(route, call, key, ends, tally)
        except ProviderFailed as error:
            self._keep(msgspec.structs.replace(entry, failed=error.kind), began)
            raise
        # A lone surrogate, which a server's JSON can hold, is nothing that a file could.
        text = done.text.encode("utf-8", "replace").decode()
        entry = msgspec.structs.replace(
            entry, text=text, tokens_in=done.tokens_in, tokens_out=done.tokens_out
        )
        self._keep(entry, began)
        return entry

    def _keep(self, entry: Entry, began: float) -> None:
        if self.cassette is not None:
            took = round((self._monotonic() - began) * 1e3, 3)
            self.cassette.keep(msgspec.structs.replace(entry, duration_ms=took))

    def _repeated(
        self, route: Route, call: Call, key: str, ends: float, tally: _Tally
    ) -> Completion:
        """Ask, and again after a wait where nothing was computed or charged.

        A provider that is down is left alone for a while: each question would only wait in vain.
        """
        self._check_down(route)
        for attempt in range(1, _ATTEMPTS + 1):
            tally.attempts += 1
            try:
                return self._paid(route, call, ends)
            except ProviderFailed as error:
                wait = wait_before(attempt, key, error.wait_s)
                is_last = attempt == _ATTEMPTS or self._monotonic() + wait > ends
                if error.kind not in SAFE_TO_REPEAT or is_last:
                    self._mark_down(route, error)
                    raise
                self._sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _check_down(self, route: Route) -> None:
        with self._lock:
            until, error = self._down.get(id(route.provider), (0.0, None))
        if error is not None and self._monotonic() < until:
            raise ProviderFailed(error.kind, str(error))

    def _mark_down(self, route: Route, error: ProviderFailed) -> None:
        rest = _REST_S.get(error.kind)
        if rest is not None:
            with self._lock:
                self._down[id(route.provider)] = (self._monotonic() + rest, error)

    def _paid(self, route: Route, call: Call, ends: float) -> Completion:
        """Ask once, within the budget of the run and the pace of the provider."""
        most_out = call.ask.limits.max_tokens
        most_in = tokens_asked(call)
        reserved = (most_in + most_out, route.price.usd_micros(most_in, most_out))
        reason = self._purse.reserve(*reserved)
        if reason:
            raise _Abstain(reason)
        spent = reserved  # Until it is known what a call cost, it cost the most it can.
        try:
            done = self._asked(route, call, ends)
            tokens = (done.tokens_in, done.tokens_out)
            spent = (sum(tokens), route.price.usd_micros(*tokens))
        except ProviderFailed as error:
            if error.kind in SAFE_TO_REPEAT or isinstance(error, _NoTurn):
                spent = (0, 0)
            raise
        finally:
            self._purse.settle(reserved, spent)
        return done

    def _asked(self, route: Route, call: Call, ends: float) -> Completion:
        with route.pace.turn(ends) as is_ours:
            left = ends - self._monotonic()
            if not is_ours or left <= 0:
                raise _NoTurn("too_late", "the deadline came before a free place")
            try:
                return route.provider.complete(msgspec.structs.replace(call, seconds=left))
            except ProviderFailed:
                raise
            # The adapter's edge: a client may raise anything, and it must become a refusal.
            except Exception as error:
                raise ProviderFailed("bad_reply", f"{type(error).__name__}: {error}") from error

    def _say_once(self, ask: AskModel, reason: str) -> None:
        """Log a reason the first time that an agent has it."""
        told = (ask.agent, reason.split(":", maxsplit=1)[0])
        with self._lock:
            if told in self._said:
                return
            self._said.add(told)
        self._log.warning("%s abstains (%s): %s", ask.agent, ask.role, reason)


def key_of(provider: Provider, call: Call) -> str:
    """Return the hash of all that a provider is told, and of nothing else."""
    ask = call.ask
    told = (
        provider.name, provider.model, ask.system, call.user,
        [[turn.role, turn.text] for turn in call.turns], call.schema, ask.limits.max_tokens,
        ask.limits.temperature, ask.sample,
    )  # fmt: skip
    return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()


def _revealed(answer: ModelAnswer, worn: Disguise, ask: AskModel) -> ModelAnswer:
    if answer.abstains:
        return answer
    return msgspec.structs.replace(answer, text=worn.reveal_answer(answer.text, ask))


def _entry(provider: Provider, call: Call, key: str) -> Entry:
    ask = call.ask
    return Entry(
        key=key, provider=provider.name, model=provider.model, prompt=ask.prompt, form=ask.form,
        sample=ask.sample, temperature=ask.limits.temperature, system=ask.system, user=call.user,
        turns=tuple((turn.role, turn.text) for turn in call.turns),
    )  # fmt: skip
