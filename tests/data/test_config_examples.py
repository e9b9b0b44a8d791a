"""The documented examples of both files, whole, are the vocabulary that is read."""

import re
import tomllib
from decimal import Decimal

import msgspec
import pytest

from scenarios.config.check import find_fault
from scenarios.config.scenario import Scenario
from scenarios.config.swarm import Swarm
from scenarios.config.types import read_scalar
from tests.shared_data import shared


@pytest.mark.parametrize(("number", "kind"), [(0, Swarm), (1, Scenario)])
def test_documented_example_is_read_without_fault(
    number: int, kind: type[Swarm] | type[Scenario]
) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", shared("CONFIG.md").read_text(), re.DOTALL)
    tables = tomllib.loads(blocks[number], parse_float=Decimal)
    assert find_fault(msgspec.convert(tables, kind, dec_hook=read_scalar)) is None
