"""What a replayed recording noticed of the agents inside it: shares taken, and mids apart."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scenarios.builders.replay import REPLAY
from scenarios.report.market import session_axis
from scenarios.report.page import Figure, card, figure, local_ms, number, packed, thinned, tiles
from scenarios.run.result import RunResult

_NOTE = (
    "Each recorded execution took whoever was in front. <em>Displaced</em>: recorded shares that "
    "an agent in front was executed for, withdrawn afterwards. <em>Consumed</em>: recorded shares "
    "that an agent had taken before their cancel or execution came. As long as both stay small "
    "beside what was executed, and the mid stays on the recorded one, the day did not notice the "
    "agent."
)


def replay_cards(result: RunResult) -> list[str]:
    """Return the card of a replayed recording; nothing for any other run."""
    counts, path = result.summary.get("replay"), result.folder / REPLAY
    if counts is None or not path.is_file():
        return []
    table = pl.read_parquet(path)
    compared = max(counts["seconds_compared"], 1)
    share = 100 * counts["seconds_apart"] / compared
    executed = f"of {number(counts['executed'])} executed"
    items = [
        ("displaced shares", number(counts["displaced"]), executed),
        ("consumed shares", number(counts["consumed"]), "taken by agents before"),
        ("taken from agents", number(counts["taken_from_agents"]), "by recorded executions"),
        ("mid apart", f"{number(share, 1)} %", "of the seconds"),
        ("mean distance", f"{number(counts['mean_divergence_bps'], 3)} bps", "of the mids"),
        ("largest distance", f"{number(counts['largest_divergence_bps'], 2)} bps", "of the mids"),
    ]
    pictures = (
        figure("replay-mid", "Simulated mid over recorded mid, bps", _distance(result, table)),
        figure("replay-shares", "Shares displaced and consumed so far", _shares(result, table)),
    )
    return [card("Recording and agents", tiles(items), *pictures, note=_NOTE)]


def _times(table: pl.DataFrame) -> NDArray[np.int64]:
    return table["time"].cast(pl.Int64).to_numpy()


def _distance(result: RunResult, table: pl.DataFrame) -> Figure:
    time, apart = thinned(_times(table), table["divergence_bps"].to_numpy())
    line = {
        "type": "scatter", "mode": "lines", "name": "distance",
        "x": packed(local_ms(time, result.day.facts.zone)), "y": packed(apart),
        "line": {"width": 1.2, "color": "@c1"},
    }  # fmt: skip
    layout = {"xaxis": session_axis(result.day), "yaxis": {"title": {"text": "bps"}}}
    return {"data": [line], "layout": layout}


def _shares(result: RunResult, table: pl.DataFrame) -> Figure:
    lines = []
    for name, colour in (("displaced", "@c2"), ("consumed", "@c4")):
        time, shares = thinned(_times(table), table[name].to_numpy().astype(np.float64))
        lines.append(
            {
                "type": "scatter", "mode": "lines", "name": name,
                "x": packed(local_ms(time, result.day.facts.zone)), "y": packed(shares),
                "line": {"width": 1.4, "color": colour, "shape": "hv"},
            }
        )  # fmt: skip
    layout = {"xaxis": session_axis(result.day), "yaxis": {"title": {"text": "shares"}}}
    return {"data": lines, "layout": layout}
