"""Exercise instructions: who may give them, until when, and which one stands."""

from datetime import date
from typing import Any

import pytest

from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.clearing_messages import (
    ExerciseInstruction,
    InstructionAccepted,
    InstructionRefused,
)
from environment.market.clearing_house import ClearingHouse, HouseDay, HouseSettings

FRIDAY, MONDAY = date(2014, 6, 6), date(2014, 6, 9)
CALL = "A     140606C00100000"
LATER = "A     140718C00100000"
SETTINGS = HouseSettings(
    days=(
        HouseDay(session=FRIDAY, start_ns=100, cut_off_ns=200),
        HouseDay(session=MONDAY, start_ns=300, cut_off_ns=400),
    ),
    owners={"fund": "fund/desk"},
)


def tell(
    house: ClearingHouse, now_ns: int, *, instrument: str = CALL, contracts: int = 2,
    account: str = "fund", sender: str = "fund/desk",
) -> Any:  # fmt: skip
    """Return the answer to one instruction."""
    ctx = RecordingContext(now_ns=now_ns)
    told = ExerciseInstruction(account=account, instrument=instrument, contracts=contracts)
    ctx.handle(house, told, sender=sender, request_id=1)
    [reply] = ctx.replies
    assert ActorRef[Any](sender).address == reply.to
    return reply.message


def test_last_instruction_before_the_cut_off_stands() -> None:
    house = ClearingHouse(SETTINGS)
    assert isinstance(tell(house, 150, contracts=2), InstructionAccepted)
    assert isinstance(tell(house, 199, contracts=0), InstructionAccepted)
    assert house.instructions(FRIDAY) == {("fund", CALL): 0}


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"now_ns": 99}, "has not begun"),
        ({"now_ns": 200}, "cut-off"),
        ({"sender": "somebody"}, "does not belong"),
        ({"account": "other"}, "does not belong"),
        ({"instrument": "A"}, "no option symbol"),
        ({"now_ns": 350}, "expired"),
        ({"contracts": -1}, "0 or more"),
    ],
)
def test_instruction_that_cannot_stand_is_refused(wrong: dict[str, Any], word: str) -> None:
    house = ClearingHouse(SETTINGS)
    answer = tell(house, **({"now_ns": 150} | wrong))
    assert isinstance(answer, InstructionRefused)
    assert word in answer.reason
    assert not house.instructions(FRIDAY)
    assert house.state.refused == 1


def test_new_day_begins_without_instructions() -> None:
    house = ClearingHouse(SETTINGS)
    tell(house, 150, instrument=LATER)
    tell(house, 350, instrument=LATER, contracts=1)
    assert house.instructions(FRIDAY) == {}
    assert house.instructions(MONDAY) == {("fund", LATER): 1}


def test_a_delegate_speaks_for_the_account_that_names_it_and_no_other() -> None:
    delegated = HouseSettings(
        days=SETTINGS.days, owners={"fund": "fund/desk", "other": "other/desk"},
        delegates={"fund": ("fund/holder",)},
    )  # fmt: skip
    house = ClearingHouse(delegated)
    assert isinstance(tell(house, 150, sender="fund/holder"), InstructionAccepted)
    assert isinstance(tell(house, 150, sender="fund/desk", contracts=1), InstructionAccepted)
    answer = tell(house, 150, sender="fund/holder", account="other")
    assert isinstance(answer, InstructionRefused)
    assert house.instructions(FRIDAY) == {("fund", CALL): 1}
