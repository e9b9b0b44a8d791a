"""A shipped options market whose crowd are actors: the same tape, and classes of one's own."""

import re
from typing import Any

import numpy as np
import pytest

from agents.crowd.option_traders.dealer import OptionDealer
from environment.actors import ActorContext
from environment.errors import ConfigError
from environment.market import layout as at
from environment.option_messages import DealerView
from scenarios.run.session_loop import SessionLoop
from tests.conformance.scenarios.runs import Rows, finished, ready, same_tape, tape
from tests.tidy.sources import ROOT

SMALL = (
    "session.closes=09:32", "instruments.0.options.series=30", "crowds.noise.count=150",
    "crowds.hawkes.count=10", "crowds.value.count=20", "crowds.overwriters.every=10s",
    "crowds.protective.every=10s", "crowds.lottery.every=10s", "crowds.same_day.every=10s",
    "crowds.sellers.every=10s",
)  # fmt: skip
ACTORS = (*SMALL, "crowd=actors")


class Unhedged(OptionDealer):
    """Quotes as the others do, and lets its delta be."""

    def hedge(self, ctx: ActorContext, view: DealerView, seconds: float) -> None:
        """Do nothing."""


def dealers_hedges(loop: SessionLoop) -> Rows:
    """Return the dealers' orders in the stock."""
    crowd, rows = loop.world.crowd, tape(loop)
    names = [population.name for population in crowd.populations]
    accounts = crowd.first_account[names.index("dealers")] + np.arange(3)
    entered = (rows[:, at.T_KIND] == at.K_ENTER) & (rows[:, at.T_INSTRUMENT] == 0)
    found: Rows = rows[entered & np.isin(rows[:, at.T_ACCOUNT], accounts)]
    return found


@pytest.fixture(scope="module")
def compiled() -> SessionLoop:
    """Return the compiled run, to which others are held."""
    return finished("options_day", SMALL)


def test_options_day_as_actors_has_the_tape_of_the_compiled_one(compiled: SessionLoop) -> None:
    acting = finished("options_day", ACTORS)
    fills = tape(compiled)[:, at.T_KIND] == at.K_FILL
    assert np.count_nonzero(tape(compiled)[fills, at.T_INSTRUMENT]) > 100
    assert len(dealers_hedges(compiled)) > 0
    assert same_tape(acting, compiled)
    assert acting.world.kernel.dead_letters == ()


def test_a_class_of_ones_own_trades_in_the_place_of_a_populations() -> None:
    unhedged = finished("options_day", ACTORS, agents={"crowd/dealers": Unhedged})
    rows = tape(unhedged)
    assert len(dealers_hedges(unhedged)) == 0
    assert np.count_nonzero(rows[:, at.T_KIND] == at.K_QUOTE) > 100


@pytest.mark.parametrize(
    ("settings", "address", "said"),
    [(ACTORS, "crowd/nobody", "no population is called nobody"),
     (SMALL, "crowd/dealers", 'set crowd = "actors"')],
)  # fmt: skip
def test_a_class_for_nobody_is_refused(settings: tuple[str, ...], address: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ready("options_day", settings, agents={address: Unhedged})


# Two short days of a weekly expiry: a jump lists new strikes, the night exercises and assigns.
NIGHT = (
    "session.closes=09:33", 'shock=[{kind="fundamental_jump",at="09:30:01",size=0.04}]',
    "instruments.0.options.series=30", "instruments.0.options.listing.strikes=2",
    "instruments.0.options.listing.room=40", "instruments.0.options.listing.move=0.01",
    "instruments.0.options.listing.every=10s", "crowds.noise.count=150", "crowds.hawkes.count=5",
    "crowds.value.arrivals_per_ns=5e-10", "crowds.lottery.every=20s",
    "crowds.overwriters.every=20s",
)  # fmt: skip


def test_new_strikes_and_a_night_of_expiry_are_traded_alike() -> None:
    runs = [finished("pin_risk", (*NIGHT, f"crowd={crowd}")) for crowd in ("compiled", "actors")]
    world = runs[1].world
    later = [one.number for one in world.options.reserve if one.number in world.series]
    rows = tape(runs[0])
    quoted = rows[rows[:, at.T_KIND] == at.K_QUOTE]
    assert np.isin(quoted[:, at.T_INSTRUMENT], later).any()
    assert len(world.sessions) == 2
    assert same_tape(*runs)
    assert world.kernel.dead_letters == ()


@pytest.mark.slow
def test_the_documents_classes_run_and_even_two_minutes_have_a_report() -> None:
    text = (ROOT / "docs/crowd.md").read_text()
    (block,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(block.replace('"session.until=09:35"', '"session.closes=09:32"'), names)
    result = names["result"]
    assert result.summary["options"]["hedging"]["turned_over"] == 0
    assert (result.folder / "report.html").stat().st_size > 1_000_000


@pytest.mark.slow
def test_an_hour_of_options_day_as_actors_has_the_tape_of_the_compiled_one() -> None:
    hour = ("session.closes=10:30", "instruments.0.options.series=60")
    runs = [finished("options_day", (*hour, f"crowd={crowd}")) for crowd in ("compiled", "actors")]
    assert same_tape(*runs)
