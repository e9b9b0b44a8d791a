"""Every control fires on its breach, and only beyond its limit; every breaker moves its scope."""

import pytest

from agents.desk.control_proofs import TRIALS, prove
from agents.desk.controls import CONTROLS
from scenarios.config.desk import Limits
from scenarios.controls import prove_breakers
from scenarios.places import PROJECT_ROOT

SETTABLE = [c.name for c in CONTROLS if not c.fixed and c.name != "mandate_notional"]


def test_every_control_has_a_trial() -> None:
    assert set(TRIALS) == {control.name for control in CONTROLS}


def test_every_control_is_mapped_to_what_is_asked_for() -> None:
    text = (PROJECT_ROOT / "docs" / "controls.md").read_text()
    assert [c.name for c in CONTROLS if f"`{c.name}`" not in text] == []


def test_every_control_that_can_be_set_is_a_key_of_the_file_and_back() -> None:
    assert set(SETTABLE) == set(Limits.__struct_fields__) - {"restricted"}


@pytest.mark.parametrize("name", [control.name for control in CONTROLS])
def test_control_fires_on_its_breach(name: str) -> None:
    proof = prove(name)
    assert proof.fired, proof
    assert proof.figure is not None
    assert proof.limit is not None
    assert proof.figure > proof.limit


@pytest.mark.parametrize("name", SETTABLE)
def test_control_asks_at_its_soft_limit_and_is_silent_at_its_figure(name: str) -> None:
    assert prove(name, "soft").fired
    assert not prove(name, at_limit=True).fired


def test_every_breaker_moves_its_scope() -> None:
    proofs = prove_breakers()
    assert [proof for proof in proofs if not proof.fired] == []
    assert len(proofs) == 24
