"""Roles that ask one server share its pace; roles of other servers do not."""

from scenarios.builders.models import routes_of
from scenarios.config.models import LanguageModel, Offline, Ollama

MODELS: dict[str, LanguageModel] = {
    "reader": Ollama(model="small", parallel=4, per_minute=0),
    "judge": Ollama(model="large", url="http://127.0.0.1:11434/", parallel=1, per_minute=90),
    "elsewhere": Ollama(model="small", url="http://127.0.0.1:11435", parallel=2),
    "rules": Offline(),
}


def test_one_server_is_asked_by_the_narrowest_of_its_roles() -> None:
    routes = routes_of(MODELS)
    assert set(routes) == set(MODELS)
    assert routes["reader"].pace is routes["judge"].pace
    with routes["judge"].pace.turn(1e12) as mine, routes["reader"].pace.turn(0.0) as theirs:
        assert (mine, theirs) == (True, False)  # One at a time, whichever role it is.
    with routes["elsewhere"].pace.turn(1e12) as first, routes["elsewhere"].pace.turn(1e12) as other:
        assert (first, other) == (True, True)


def test_each_role_keeps_its_own_model() -> None:
    routes = routes_of(MODELS)
    assert [routes[role].provider.model for role in ("reader", "judge")] == ["small", "large"]
