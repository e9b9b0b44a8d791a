"""A scenario with listed options: its series follow their stock, and change nothing in it."""

from typing import assert_never

from environment.actors import Actor, ActorContext
from environment.instruments import parse_occ
from environment.market import layout as at, option_rows
from environment.messages import Resumed
from environment.option_messages import ChainUpdate, SeriesListed
from scenarios.builders.floor import Floor
from tests.conformance.scenarios.runs import SHORT, finished, tape

CHAIN = "scenarios/data/aapl_2014-06-06_chain.csv.gz"
REAL = (*SHORT, f"instruments.0.options.chain={CHAIN}", "instruments.0.options.series=40")
RULE = (*SHORT, "instruments.0.options.chain=rule", "instruments.0.options.series=32")


class Watcher(Actor[Resumed | ChainUpdate | SeriesListed]):
    """Listens to a chain."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.chains: list[ChainUpdate] = []
        self.listed: list[SeriesListed] = []

    def receive(self, ctx: ActorContext, message: Resumed | ChainUpdate | SeriesListed) -> None:
        match message:
            case Resumed():
                ctx.subscribe("market/AAPL/chain", 0)
            case ChainUpdate():
                self.chains.append(message)
            case SeriesListed():
                self.listed.append(message)
            case never:
                assert_never(never)


def test_series_of_a_real_chain_trade_beside_their_stock() -> None:
    made: list[Watcher] = []

    def watcher(floor: Floor) -> Watcher:
        made.append(Watcher(floor))
        return made[-1]

    loop = finished("opening_bell", REAL, agents={"analysts/watcher": watcher})
    market, options = loop.world.market, loop.world.options
    assert (len(options.series), len(options.omitted)) == (40, 2_312)
    assert [one.symbol for one in loop.world.facts.instruments[:2]] == [
        "AAPL", options.series[0].instrument.symbol,
    ]  # fmt: skip
    rows = market.section(at.S_INSTRUMENT)[list(loop.world.series)]
    assert set(rows[:, at.I_PHASE].tolist()) <= {at.POST_CLOSE, at.CLOSED}
    (evening,) = {int(ns) for ns in rows[:, at.I_LAST_TRADING_NS] if ns}
    assert evening == loop.world.sessions[0].close_ns
    ended = rows[rows[:, at.I_LAST_TRADING_NS] > 0]
    assert ended[:, at.I_RETIRED].all()  # The night took them off the list.
    assert len(option_rows.series_of(market, 0)) == 40 - len(ended)
    (heard,) = made
    assert len(heard.listed) == 40
    assert len(heard.chains) == 61  # Five minutes, every five seconds, and one at the close.
    assert all(len(one.rows) == 40 for one in heard.chains)
    assert parse_occ(heard.listed[0].instrument).root == "AAPL"


def test_series_by_rule_change_nothing_for_the_stock() -> None:
    listed = finished("opening_bell", RULE)
    with_series, alone = tape(listed), tape(finished("opening_bell"))
    stock = with_series[with_series[:, at.T_INSTRUMENT] == 0]
    # With options the day ends at 17:30, when the last exercise instruction may come. Until then
    # all but the numbering of rows, in which the series' phases stand too.
    trading, other = (
        rows[rows[:, at.T_TIME] < listed.world.sessions[0].close_ns + 60_000_000_000, 1:]
        for rows in (stock, alone)
    )
    assert len(trading) > 1_000
    assert (trading == other).all()
