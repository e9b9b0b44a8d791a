"""Both files together: where they are sought, what is overridden, what each error says."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from environment.errors import ConfigError
from scenarios.config.built import check_built
from scenarios.config.load import from_canonical, load_config, shipped_names, shipped_scenarios
from scenarios.config.market import Heston
from scenarios.config.world import AdaptiveMaker
from tests.unit.scenarios.example_files import SCENARIO, SWARM, write_example


def test_config_keeps_money_and_durations_exact(tmp_path: Path) -> None:
    makers = load_config(write_example(tmp_path)).scenario.crowds["makers"]
    assert isinstance(makers, AdaptiveMaker)
    assert (makers.cash, makers.every) == (20_000_000_500_000, 10_000_000_000)


def test_config_finds_the_swarm_beside_the_scenario_first(tmp_path: Path) -> None:
    config = load_config(write_example(tmp_path))
    assert config.swarm_file == tmp_path / "agents.toml"


def test_config_finds_the_swarm_at_the_root_when_none_is_beside(tmp_path: Path) -> None:
    scenario = write_example(tmp_path)
    (tmp_path / "agents.toml").unlink()
    config = load_config(scenario)
    assert config.swarm is not None
    assert config.swarm.name == "floor"


def test_config_digest_says_nothing_of_places(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    digests = {load_config(write_example(tmp_path / name)).digest() for name in "ab"}
    assert len(digests) == 1


def test_config_comes_back_from_its_canonical_form(tmp_path: Path) -> None:
    config = load_config(write_example(tmp_path))
    again = from_canonical(config.canonical())
    assert (again.scenario, again.swarm) == (config.scenario, config.swarm)


def test_override_sets_a_value_of_the_scenario(tmp_path: Path) -> None:
    config = load_config(write_example(tmp_path), ["crowds.noise.count=500", "crowd=actors"])
    assert (config.scenario.crowds["noise"].count, config.scenario.crowd) == (500, "actors")


def test_override_reaches_into_lists_and_the_swarm_file(tmp_path: Path) -> None:
    overrides = ["instruments.0.price.start=50.5", "limits.order_quantity.hard=9"]
    config = load_config(write_example(tmp_path), overrides)
    price = config.scenario.instruments[0].price
    assert isinstance(price, Heston)
    assert price.start == Decimal("50.5")
    assert config.swarm is not None
    assert config.swarm.limits.order_quantity is not None
    assert config.swarm.limits.order_quantity.hard == 9


def test_override_makes_a_table_that_was_not_there(tmp_path: Path) -> None:
    config = load_config(write_example(tmp_path), ["session.bands.tier=2"])
    assert config.scenario.session.bands is not None
    assert config.scenario.session.bands.tier == 2


@pytest.mark.parametrize("order", [1, -1])
def test_override_of_the_days_displaces_the_one_day(tmp_path: Path, order: int) -> None:
    one, several = "session.date=2014-06-09", "session.dates=[2014-06-06, 2014-06-09]"
    file = write_example(tmp_path)
    session = load_config(file, [several]).scenario.session
    assert (session.date, session.dates) == (None, (date(2014, 6, 6), date(2014, 6, 9)))
    two_days = SCENARIO.replace("date = 2014-06-06", "dates = [2014-06-05, 2014-06-06]")
    session = load_config(write_example(tmp_path, scenario=two_days), [one]).scenario.session
    assert (session.date, session.dates) == (date(2014, 6, 9), None)
    with pytest.raises(ConfigError, match="expected either date"):
        load_config(file, [one, several][::order])


def test_override_of_the_place_after_a_list_appends_to_it(tmp_path: Path) -> None:
    added = 'instruments.1={symbol = "IBM", price = {kind = "heston", start = 9}}'
    for settings in (
        [added],
        ["instruments.1.symbol=IBM", 'instruments.1.price={kind = "heston", start = 9}'],
    ):
        scenario = load_config(write_example(tmp_path), settings).scenario
        assert [told.symbol for told in scenario.instruments] == ["AAPL", "IBM"]


def test_scenario_needs_a_day(tmp_path: Path) -> None:
    no_day = SCENARIO.replace("date = 2014-06-06", "")
    with pytest.raises(ConfigError, match=r"small\.toml: session: expected either date"):
        load_config(write_example(tmp_path, scenario=no_day))


def test_seed_given_apart_wins(tmp_path: Path) -> None:
    assert load_config(write_example(tmp_path), ["seed=3"], seed=4).scenario.seed == 4


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("crowds.noise.cout=3", 'crowds.noise.cout: is not a key here; did you mean "count"?'),
        ("crowds.noise.count=-3", "crowds.noise.count: expected a whole number, at least 0"),
        ("crowds.noise.kind=nois", 'crowds.noise.kind: "nois" is not a kind here; did you mean'),
        ("crowds.extra.count=3", "crowds.extra.kind: is missing; add one of noise"),
        ("session.date=2014-06-07", "session.date: 2014-06-07 is a Saturday"),
        ("session.dates=[2014-06-06, 2014-06-05]", "session: expected the last of dates"),
        ("latency.network.median=5", 'latency.network.median: expected a duration such as "30s"'),
        ("account.cash=inf", "expected a number of sensible size"),
        ("blah=3", "blah: is not a key; known:"),
        ("version.x=1", "version is a value, with no keys inside"),
        ("instruments.4.symbol=A", '"4" is no position'),
        ("instruments.1.symbol=IBM", "instruments.1.price: is missing"),
        ("crowds.noise.cash=1_000_000_000_000", "crowds.noise.cash: comes to 10,000,000,000,000"),
        ("account.cash=4_611_686_018_427", "account.cash: comes to"),
        ("crowds.noise.size=1_000_001", "crowds.noise.size: expected orders of at most 1,000,000"),
        ("crowds.noise.wakes=1_000_000_000_000", "crowds.noise.wakes: 10 traders would act more"),
        ("crowds.makers.every=1ns", "crowds.makers.every: 2 traders would act more than"),
        ("instruments.0.price.start=0.005", "start: expected a price from one tick, 0.01, to"),
        ("instruments.0.price.start=1_000_001", "to 1,000,000, found 1000001"),
        ("instruments.0.tick=0.0000001", "instruments.0.tick: 1E-7 is not a whole number"),
        ("instruments.0.tick=0.03", "half_spread: 0.02 is no multiple of AAPL's tick 0.03"),
        (
            'instruments.0.price={kind="mean_reverting", mean=9, jumps_per_ns=1}',
            "price.jumps_per_ns: expected a number, at least 0 and at most 0.0000001",
        ),
        ("a..b=1", "is not a key path"),
        ("seed", "expected KEY=VALUE"),
        ("shock.0.instruments=['IBM']", '"IBM" is not defined; known: AAPL'),
        ("shock.0.day=2", "shock.0.day: expected a day of the run, 1 to 1, found 2"),
        ("models.cloud.fallback=cloud", "falls back in a circle: cloud -> cloud"),
        (
            'agents."quant/maker".half_spread=0',
            'agents."quant/maker".half_spread: expected a price',
        ),
        ("swarm=nothing.toml", 'swarm: "nothing.toml" is neither beside this file'),
        ("recording=x.zip", "crowds: a recording stands instead of crowds"),
    ],
)
def test_bad_override_is_one_line_with_key_and_mend(
    tmp_path: Path, override: str, words: str
) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(write_example(tmp_path), [override])
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_stock_and_trading_beyond_what_accounts_can_hold_are_refused(tmp_path: Path) -> None:
    file, dear = write_example(tmp_path), "instruments.0.price.start=1_000_000"
    with pytest.raises(ConfigError, match=r"crowds\.noise\.holding: comes to 5,000,000,000,000"):
        load_config(file, [dear, "crowds.noise.holding=500_000"])
    with pytest.raises(ConfigError, match=r"crowds\.noise\.size: one trader could trade"):
        load_config(file, [dear, "crowds.noise.size=1_000_000", "crowds.noise.wakes=4"])


def test_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(write_example(tmp_path, swarm=SWARM.replace('{ env = "KEY" }', '"sk-1234"')))
    assert "models.cloud.key: expected { env" in str(error.value)
    assert "sk-1234" not in str(error.value)


@pytest.mark.parametrize(
    "text", ["a = [", "a = 1979-13-45", "a = " + "9" * 6000, "a = " + "[" * 3000]
)
def test_broken_toml_is_a_config_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"small\.toml"):
        load_config(write_example(tmp_path, scenario=text))


def test_bytes_that_are_no_text_are_a_config_error(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8 text at byte 0"):
        load_config(str(tmp_path / "small.toml"))


def test_missing_scenario_names_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match='did you mean "rmsc04"'):
        load_config("rmsc4")


def test_missing_data_file_is_named_before_the_run(tmp_path: Path) -> None:
    bars = SCENARIO.replace('kind = "heston", start = 100.00', 'kind = "bars", path = "no.csv"')
    with pytest.raises(ConfigError, match=r'instruments.0.price.path: there is no file "no.csv"'):
        load_config(write_example(tmp_path, scenario=bars))


def test_arm_that_cannot_run_is_refused_before_the_first(tmp_path: Path) -> None:
    arms = '[compare]\nseeds = [1, 5]\narms = { "a" = { "crowds.noise.count" = -1 } }\n'
    with pytest.raises(ConfigError, match=r"compare.arms.a: crowds.noise.count: expected"):
        load_config(write_example(tmp_path, scenario=SCENARIO + arms))


def test_built_tables_may_start(tmp_path: Path) -> None:
    check_built(load_config(write_example(tmp_path)))  # It raises for any other.
    assert load_config(write_example(tmp_path)).swarm is not None


def test_known_key_that_nothing_carries_out_stops_at_start() -> None:
    config = load_config("replay_day", ["replay.mode=mirror"])
    with pytest.raises(ConfigError, match=r": replay\.mode: is not in this version"):
        check_built(config)


def test_every_shipped_scenario_says_what_it_is_for() -> None:
    scenarios = shipped_scenarios()
    assert [scenario.name for scenario in scenarios] == shipped_names()
    assert all(len(scenario.about) > 100 for scenario in scenarios)
