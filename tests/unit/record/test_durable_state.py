"""Durable actors through restarts: same state, nothing sent twice, nothing lost unseen."""

from typing import Any

import pytest

from environment.actors import Envelope
from environment.errors import ConfigError, CorruptRecord, OperatingError
from environment.record.faulty_disk import FaultyDisk
from environment.record.steps import BATCH_NAME, segment_name, snapshot_name
from tests.conformance.actors.cast import Note
from tests.unit.record.durable import Desk


def after_kill(disk: FaultyDisk, **given: Any) -> Desk:
    """Return the next start after the process was killed."""
    return Desk(disk.crash("kill"), **given)


def test_state_and_draws_come_back_and_outboxes_do_not_leave_again() -> None:
    disk = FaultyDisk()
    before = Desk(disk).say("1", "out", "2")
    after = after_kill(disk)
    assert after.actors["first"].state == before.actors["first"].state
    assert after.recovered.steps == 5  # Two beginnings, three words.
    after.kernel.run_until(after.kernel.now_ns() + 100)
    assert [row[1] for row in after.actors["door"].state.heard] == ["Resumed"]
    assert after.words() == ["Resumed", "1", "out", "2", "Resumed"]


def test_epoch_rises_with_each_start_also_after_a_stop_in_order() -> None:
    disk = FaultyDisk()
    one = Desk(disk).say("1")
    one.state.close(one.kernel)
    two = after_kill(disk)
    three = after_kill(two.disk)
    assert [one.state.epoch, two.state.epoch, three.state.epoch] == [1, 2, 3]
    numbers = {desk.kernel.queue.number() >> 40 for desk in (one, two, three)}
    assert numbers == {1, 2, 3}


def test_mail_between_durable_actors_is_delivered_after_the_restart_once() -> None:
    disk = FaultyDisk()
    desk = Desk(disk).say()
    desk.kernel.admit_at(desk.kernel.now_ns() + 10, "test", "first", Note(text="pass"))
    desk.kernel.run_until(desk.kernel.now_ns() + 10)  # Sent, and not yet arrived.
    assert desk.words("second") == ["Resumed"]
    after = after_kill(disk).say()
    after.kernel.run_until(after.kernel.now_ns() + 10)
    assert after.words("second") == ["Resumed", "Resumed", "passed"]
    again = after_kill(after.disk)
    again.kernel.run_until(again.kernel.now_ns() + 10)
    assert again.words("second") == ["Resumed", "Resumed", "passed", "Resumed"]


def test_publication_reaches_a_durable_subscriber_after_the_restart() -> None:
    disk = FaultyDisk()
    desk = Desk(disk).say("1")
    desk.kernel.admit_at(desk.kernel.now_ns() + 10, "test", "first", Note(text="publish"))
    desk.kernel.run_until(desk.kernel.now_ns() + 10)
    after = after_kill(disk)
    after.kernel.run_until(after.kernel.now_ns() + 10)
    assert after.words("second")[-1] == "told"


def test_timers_deadlines_and_effects_end_once_each_after_a_restart() -> None:
    disk = FaultyDisk()
    Desk(disk).say("wait")
    after = after_kill(disk)
    after.kernel.run_until(after.kernel.now_ns() + 50)
    assert after.words()[-1] == "EffectFailed"  # Lost; the timer waits for the reconciliation.
    after.kernel.run_until(after.kernel.now_ns() + 200)
    after.state.reconciled(after.kernel)
    after.kernel.run_until(after.kernel.now_ns() + 200)
    assert after.words()[-2:] == ["TimerFired!", "RequestExpired"]


def test_timer_not_yet_due_fires_in_time_after_a_restart() -> None:
    disk = FaultyDisk()
    before = Desk(disk).say("wait")
    asked_ns = int(before.actors["first"].state.heard[-1].split("@")[1])
    after = after_kill(disk)
    after.state.reconciled(after.kernel)
    after.kernel.run_until(after.kernel.now_ns() + 300)
    assert f"TimerFired@{asked_ns + 100}" in after.actors["first"].state.heard


def test_send_to_a_gateway_without_an_answer_is_reported_as_unknown() -> None:
    disk = FaultyDisk()
    Desk(disk).say("out")
    (unknown,) = after_kill(disk).recovered.unanswered
    assert (unknown.recipient, unknown.message.text) == ("door", "1")


def test_first_difference_stops_and_names_record_actor_and_both_outboxes() -> None:
    disk = FaultyDisk()
    Desk(disk).say("1", "out", "2")
    difference = after_kill(disk, factor=2).recovered.difference
    assert difference is not None
    assert (difference.actor, difference.number) == ("first", 3)
    assert "Note(text='1'" in difference.recorded
    assert "Note(text='2'" in difference.found


def test_handler_that_raises_in_recovery_is_a_difference() -> None:
    disk = FaultyDisk()
    desk = Desk(disk).say("1")
    given = Envelope(7, "test", "first", 99, 99, 0, 7, Note(text="boom"))
    desk.state.journal.step(3, 99, given, [], [], "first")
    difference = after_kill(disk).recovered.difference
    assert difference is not None
    assert difference.found == "ValueError: boom"


def test_message_that_failed_is_not_part_of_the_state() -> None:
    disk = FaultyDisk()
    desk = Desk(disk).say("1", "boom")
    desk.kernel.run_until(desk.kernel.now_ns() + 2_000_000_000)
    desk.say("2")
    after = after_kill(disk)
    assert after.recovered.difference is None
    assert after.actors["first"].state == desk.actors["first"].state
    assert after.words() == ["Resumed", "1", "Resumed", "2"]


@pytest.mark.parametrize("lost", range(1, 40, 3))
def test_torn_last_write_is_cut_with_a_notice(lost: int) -> None:
    disk = FaultyDisk()
    Desk(disk).say("1", "2")
    file = disk.files[segment_name(1)]
    whole = len(file.data)
    del file.data[-lost:]
    after = after_kill(disk, begin=False)
    assert "the last write did not end; cut at" in after.recovered.torn
    assert after.words() == ["Resumed", "1"]
    assert len(after.disk.files[segment_name(1)].data) < whole - lost


def test_damage_elsewhere_stops() -> None:
    disk = FaultyDisk()
    Desk(disk).say("1", "2")
    size = len(disk.files[segment_name(1)].data)
    last = bytes(disk.files[segment_name(1)].data).rfind(BATCH_NAME)
    assert 0 < last < size
    for at in range(0, last, 3):
        hurt = disk.crash("kill")
        hurt.files[segment_name(1)].data[at] ^= 0x41
        with pytest.raises((CorruptRecord, ConfigError)):
            Desk(hurt)


def test_damaged_snapshot_stops() -> None:
    disk = FaultyDisk()
    Desk(disk).say("1")
    disk.files[snapshot_name(1)].data[-3] ^= 1
    with pytest.raises(CorruptRecord, match="checksum"):
        after_kill(disk)


def test_segments_rotate_and_recovery_begins_at_the_last_snapshot() -> None:
    disk = FaultyDisk()
    words = [str(number) for number in range(200)]
    before = Desk(disk, segment_bytes=5_000)
    for word in words:
        before.say(word)
    assert len(disk.names()) > 6
    after = after_kill(disk)
    assert after.words() == ["Resumed", *words]
    assert after.recovered.steps < 60


def test_other_code_begins_where_the_last_stop_in_order_left_the_state() -> None:
    disk = FaultyDisk()
    before = Desk(disk).say("1", "out")
    before.state.close(before.kernel)
    after = after_kill(disk, code="b", factor=2)
    assert (after.words(), after.recovered.steps) == (["Resumed", "1", "out"], 0)


def test_other_code_never_runs_steps_again() -> None:
    disk = FaultyDisk()
    Desk(disk).say("1")
    with pytest.raises(ConfigError, match=r"written by version a .* Start and stop that version"):
        after_kill(disk, code="b")


def test_state_of_another_desk_is_refused() -> None:
    disk = FaultyDisk()
    Desk(disk).say("1")
    with pytest.raises(ConfigError, match="expected the state of 'other', found that of 'desk'"):
        after_kill(disk, run="other")


def test_full_disk_lets_nothing_leave() -> None:
    disk = FaultyDisk()
    desk = Desk(disk).say("1")
    disk.bytes_left = 30
    with pytest.raises(OperatingError, match="full"):
        desk.say("out")
    assert [row[1] for row in desk.actors["door"].state.heard] == ["Resumed"]
    assert after_kill(disk).words()[:2] == ["Resumed", "1"]


def test_time_begins_no_earlier_than_the_last_that_was_written() -> None:
    disk = FaultyDisk()
    desk = Desk(disk).say("1", "2")
    assert after_kill(disk).kernel.now_ns() >= desk.kernel.now_ns() - 2
