"""Records `newsroom`'s answers on the cassette that ships: over HTTP, from the test server.

    python -m tests.servers.record_newsroom [TARGET]

Run it again whenever newsroom's market, its prompts or its analysts change: questions hold prices,
and a question that is not on the cassette is answered by nobody.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from llm.cassette import read_cassette, write_entries
from scenarios.config.load import load_config
from scenarios.places import SHIPPED
from scenarios.run.runner import run_scenario
from tests.servers.models import ModelWorld, model_server
from tests.servers.stand_in import stand_in

TARGET: Final = SHIPPED / "data/newsroom_answers.jsonl.gz"
SERVED: Final = "swarm=newsroom_served_agents.toml"
# A short morning of a small crowd stands on it too, so that a test need not run the day.
MORNING: Final = (
    "session.closes=10:20", "session.auctions=[]", "crowds.noise.count=60", "crowds.value.count=15",
)  # fmt: skip
NOTE: Final = (
    "Answers to newsroom's questions over the OpenAI protocol, from the project's own test server "
    "(tests/servers/stand_in.py): a written rule that reads the prompt, and no language model. "
    "Tokens are the server's invention. Recorded by python -m tests.servers.record_newsroom."
)


def record(target: Path) -> int:
    """Run day and morning against the server, and return how many answers were kept."""
    target.unlink(missing_ok=True)
    os.environ["OUTCRY_NEWSROOM_KEY"] = "a-key-that-must-not-be-kept"
    with model_server(ModelWorld(reply=stand_in, models=("stand-in",))) as url:
        told = [f"models.{role}.url={url}/v1" for role in ("quick", "deep")]
        told += [SERVED, f"cassette.path={target}", "cassette.mode=record"]
        for part in ((), MORNING):
            with tempfile.TemporaryDirectory() as place:
                run_scenario(load_config("newsroom", [*told, *part]), Path(place))
    _, entries = read_cassette(target)
    write_entries(target, entries, NOTE)
    return len(entries)


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    print(f"{record(path)} answers on {path}")
