"""Small configuration files that load: every test changes one thing in them."""

from pathlib import Path
from typing import Final

SWARM: Final = """
version = 1
name = "floor"
swarm = ["quant/maker"]
[models]
quick = { provider = "offline" }
cloud = { provider = "openai", model = "m", key = { env = "KEY" }, fallback = "quick" }
[agents."quant/maker"]
kind = "market_maker"
mandate = { instruments = ["AAPL"], notional = 10_000 }
quantity = 5
half_spread = 0.02
[agents."quant/trend"]
kind = "trend"
mandate = { instruments = ["AAPL"], notional = 40_000 }
fast = "5m"
slow = "30m"
[agents."analysts/news"]
kind = "news"
mandate = { instruments = ["AAPL", "AAPL/options"], notional = 10_000 }
model = "quick"
feeds = ["posts"]
deadline = "20s"
budget = { calls_per_minute = 10, tokens_per_day = 200_000, usd_per_day = 1.00 }
[feeds]
posts = { kind = "recorded", path = "posts.jsonl" }
[limits]
order_quantity = { hard = 5_000 }
"""

SCENARIO: Final = """
version = 1
name = "small"
about = "One stock."
swarm = "agents.toml"
[session]
date = 2014-06-06
[[instruments]]
symbol = "AAPL"
price = { kind = "heston", start = 100.00 }
[crowds]
noise = { kind = "noise", count = 10, cash = 100_000 }
makers = { kind = "adaptive_maker", count = 2, cash = 20_000_000.50, every = "10s" }
[latency]
network = { kind = "lognormal", median = "300us", sigma = 0.5 }
thinking = { trend = "50us" }
[[shock]]
at = "11:00"
kind = "fundamental_jump"
size = -0.02
"""


def write_example(folder: Path, scenario: str = SCENARIO, swarm: str = SWARM) -> str:
    """Write both files and the feed that one names; return the scenario's path."""
    (folder / "posts.jsonl").write_text("{}\n")
    (folder / "agents.toml").write_text(swarm)
    (folder / "small.toml").write_text(scenario)
    return str(folder / "small.toml")
