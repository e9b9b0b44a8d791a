"""A market small enough to be opened by each test, and risk's seal for its venue."""

import datetime
from pathlib import Path
from typing import Any

from environment.authority import VerdictKey, keys_in, order_hash
from environment.signed import SignedVerdict
from scenarios.config.load import Config, load_config
from scenarios.live.venue_market import VenueTerms
from tests.conformance.venues.suite import Seal, with_verdict

WORLD = """
version = 1
name = "small"
about = "One stock that a few people trade."
[session]
date = 2014-06-06
auctions = ["opening"]
[[instruments]]
symbol = "AAPL"
price = { kind = "heston", start = 100.00 }
[crowds.noise]
kind = "noise"
count = 100
cash = 500_000
holding = 500
wakes = 200
passive_share = 0.4
opening_share = 0.7
[crowds.value]
kind = "value"
count = 10
cash = 20_000_000
holding = 5_000
observation_variance = 100
[crowds.makers]
kind = "adaptive_maker"
count = 2
cash = 20_000_000
holding = 20_000
first_spread = 12
minimum_size = 100
every = "5s"
[latency]
network = { kind = "constant", value = "100us" }
"""
CHAIN = "scenarios/data/aapl_2014-06-06_chain.csv.gz"
RATES = "scenarios/data/us_treasury_par_yields_2014.csv.gz"
DAY = datetime.date(2014, 6, 6)


def write_world(folder: Path) -> str:
    """Write the scenario; return its path."""
    file = folder / "small.toml"
    file.write_text(WORLD)
    return str(file)


def load_world(folder: Path) -> Config:
    return load_config(write_world(folder))


def terms(world: str = "small.toml", pace: float = 1.0) -> VenueTerms:
    return VenueTerms(world=world, pace=pace, hours="always", warm_up_ns=60_000_000_000)


def seal_of(folder: Path) -> Seal:
    """Return what seals an approved order with the keys of a state folder."""
    key = VerdictKey(keys_in(folder).verdict)

    def seal(approved: Any, verdict_id: int) -> Any:
        verdict = SignedVerdict(
            order_hash=order_hash(approved.order), verdict_id=verdict_id, limits_version=1,
            issued_ns=0, expires_ns=1 << 62, needs_decision=False,
        )  # fmt: skip
        return with_verdict(approved, key.seal(verdict))

    return seal


def write_option_world(folder: Path) -> str:
    """Write the stock at AAPL's price, with a dozen series of the real chain."""
    text = WORLD.replace('name = "small"', 'name = "small_options"').replace("100.00", "649.90")
    chain = f'options = {{ chain = "{CHAIN}", series = 12 }}\n[crowds.noise]'
    text = text.replace("[crowds.noise]", chain)
    dealers = '[crowds.dealers]\nkind = "option_dealer"\ncount = 1\ncash = 50_000_000\n'
    text = text.replace("[latency]", f"{dealers}[latency]")
    file = folder / "small_options.toml"
    file.write_text(f'{text}[curves]\nrates = "{RATES}"\n')
    return str(file)
