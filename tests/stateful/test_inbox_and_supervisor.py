"""Inbox and supervisor against models that a reader can check by eye."""

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from environment.actors import CONTROL, DATA, Envelope, InboxLimits, Supervisor
from environment.actors.inbox import Inbox, Pressure
from environment.actors.supervision import Tree
from environment.errors import InboxOverflow, RestartsExhausted
from environment.messages import TimerFired

FIRED = TimerFired(timer_id=1, name="")
HIGH, CAP = 3, 6


class InboxAgainstModel(RuleBasedStateMachine):
    """The model: one list of [lane, key, id], sorted by lane when served."""

    def __init__(self) -> None:
        super().__init__()
        self.pressure = Pressure()
        limits = InboxLimits(high_water=HIGH, hard_cap=CAP)
        self.inbox = Inbox("tested", limits, self.pressure)
        self.model: list[list[Any]] = []
        self.number = self.conflated = 0
        self.is_pressed = False

    @rule(lane=st.sampled_from([CONTROL, DATA]), key=st.sampled_from([None, "X", "Y"]))
    def put(self, lane: int, key: str | None) -> None:
        self.number += 1
        envelope = Envelope(self.number, "a", "b", 0, 0, 0, 0, FIRED)
        pair = None if key is None else ("topic", key)
        place = [row for row in self.model if row[:2] == [DATA, key]] if key else []
        if lane == DATA and place:
            place[0][2] = self.number
            self.conflated += 1
        elif len(self.model) == CAP - 1:
            with pytest.raises(InboxOverflow):
                self.inbox.put(envelope, lane, pair)
            self.__init__()  # type: ignore[misc]  # The run is over; begin another.
            return
        else:
            self.model.append([lane, key if lane == DATA else None, self.number])
        self.inbox.put(envelope, lane, pair)
        self.is_pressed |= len(self.model) > HIGH

    @precondition(lambda self: self.model)
    @rule()
    def take(self) -> None:
        expected = min(self.model, key=lambda row: row[0])
        self.model.remove(expected)
        envelope, lane = self.inbox.take()
        assert [lane, envelope.id] == [expected[0], expected[2]]
        self.is_pressed &= len(self.model) * 2 > HIGH

    @rule(parity=st.integers(0, 1))
    def drop(self, parity: int) -> None:
        dropped = self.inbox.drop(lambda envelope: envelope.id % 2 == parity)
        kept = [row for row in self.model if row[2] % 2 != parity]
        assert len(dropped) == len(self.model) - len(kept)
        self.model = kept
        if dropped:
            self.is_pressed &= len(kept) * 2 > HIGH

    @invariant()
    def counts_agree(self) -> None:
        assert len(self.inbox) == len(self.model)
        assert self.inbox.conflated == self.conflated
        assert self.pressure.is_on() == self.is_pressed


class SupervisorAgainstModel(RuleBasedStateMachine):
    """One supervisor of three; the model is the list of its restarts' times."""

    def __init__(self) -> None:
        super().__init__()
        root = Supervisor(
            policy="rest_for_one", restarts=2, within_ns=10, back_off_ns=3, back_off_ns_max=5,
            children=("a", "b", "c"),
        )  # fmt: skip
        self.tree = Tree(root)
        self.now_ns = 0
        self.times: list[int] = []

    @rule(step_ns=st.integers(0, 6), failed=st.sampled_from("abc"))
    def fail(self, step_ns: int, failed: str) -> None:
        self.now_ns += step_ns
        self.times = [at_ns for at_ns in self.times if at_ns > self.now_ns - 10]
        if len(self.times) == 2:
            with pytest.raises(RestartsExhausted, match=f"{failed} failed at {self.now_ns} ns"):
                self.tree.failed(failed, self.now_ns)
            self.times = []
            return
        self.times.append(self.now_ns)
        restart = self.tree.failed(failed, self.now_ns)
        assert restart.addresses == tuple("abc"["abc".index(failed) :])
        assert restart.at_ns == self.now_ns + (3 if len(self.times) == 1 else 5)


TestInbox = InboxAgainstModel.TestCase
TestSupervisor = SupervisorAgainstModel.TestCase
