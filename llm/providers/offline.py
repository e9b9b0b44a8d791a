"""The embedded default: rules written by hand, and a small classifier. No language model.

Each form has one rule: a function from the question to an answer, deterministic and documented
where it stands. It reads only the parts of the question, invents no numbers, and abstains where
its rule has nothing to go by. Reports call it "rules", never a model.
"""

from collections.abc import Callable, Mapping

import msgspec

from llm.messages import AskModel
from llm.providers.provider import Call, Completion, ProviderFailed

Rule = Callable[[AskModel], msgspec.Struct]


class Offline:
    """Answers by rule; counts no tokens, for there are none."""

    name = "offline"
    model = "rules"

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._rules = dict(rules)

    def complete(self, call: Call) -> Completion:
        """Return what the form's rule says."""
        rule = self._rules.get(call.form)
        if rule is None:
            raise ProviderFailed("unsupported", f"offline has no rule for {call.form}")
        return Completion(text=msgspec.json.encode(rule(call.ask)).decode())

    def trouble(self) -> str:
        """Return "": it needs nothing."""
        return ""

    def close(self) -> None:
        """Nothing is open."""
