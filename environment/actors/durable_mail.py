"""Mail on its way to durable actors, on either kernel: what a snapshot must keep beside states."""

from collections.abc import Iterator
from typing import Final

from environment.actors.cell import Cell
from environment.actors.kernel import Kernel
from environment.actors.live_kernel import LiveKernel
from environment.actors.outbox import START
from environment.actors.ports import AnyEnvelope
from environment.actors.queue import REPLY, TOPIC
from environment.actors.simulation_kernel import SimulationKernel
from environment.actors.topics import Topic
from environment.messages import Resumed

_OWN: Final = ("kernel", "effect")  # Deadlines that came, effects that ended.

Mail = tuple[str, AnyEnvelope]  # Whose inbox it is meant for, and the envelope.


def mail_under_way(kernel: Kernel) -> Iterator[Mail]:
    """Yield what durable actors, or the kernel for them, sent to durable ones; not handled yet.

    What an actor that is not durable has sent is not kept: after a crash it begins anew.
    """
    for address, envelope in _all_mail(kernel):
        if not _is_durable(kernel, address) or isinstance(envelope.message, Resumed):
            continue
        if envelope.sender in _OWN or _is_durable(kernel, envelope.sender):
            yield address, envelope


def _is_durable(kernel: Kernel, address: str) -> bool:
    cell = kernel.floor.cells.get(address)
    return cell is not None and cell.history is not None


def _all_mail(kernel: Kernel) -> Iterator[Mail]:
    for cell in kernel.floor.cells.values():
        for envelope, _, _ in cell.inbox.waiting():
            yield cell.address, envelope
    if isinstance(kernel, LiveKernel):
        for item in (*kernel.queue.urgent, *kernel.queue.ready):
            if not isinstance(item, Cell) and item[0] == TOPIC:
                yield from _of_topic(item[1], item[2])
        for _, (_, _, _, mail, _, published) in kernel.held:
            yield from _of_step(kernel, mail, published)
        return
    assert isinstance(kernel, SimulationKernel), "there are two kernels"
    for _, _, cell_or_none, item in sorted(kernel.queue.entries(), key=lambda entry: entry[:2]):
        if cell_or_none is not None:
            yield cell_or_none.address, item
        elif item[0] == REPLY:
            yield item[1].address, item[2]
        elif item[0] == TOPIC:
            yield from _of_topic(item[1], item[2])


def _of_step(kernel: Kernel, mail: list[AnyEnvelope], published: set[int]) -> Iterator[Mail]:
    """Yield the mail of a step that waits for its sync."""
    for envelope in mail:
        if envelope.id not in published:
            yield envelope.recipient, envelope
        elif envelope.recipient in kernel.departures.topics:
            yield from _of_topic(kernel.departures.topics[envelope.recipient], envelope)


def held_effects(kernel: Kernel, cell: Cell) -> list[int]:
    """Return the effects that an actor asked for and that wait for the sync of their step."""
    if not isinstance(kernel, LiveKernel):
        return []
    return [
        asked[3]
        for _, (by, incarnation, _, _, others, _) in kernel.held
        if by is cell and incarnation == cell.incarnation
        for asked in others
        if asked[0] == START
    ]


def _of_topic(topic: Topic, envelope: AnyEnvelope) -> Iterator[Mail]:
    for cell in topic.together:
        if not cell.subscriptions.get(topic.name):  # Conflated market data comes again anyway.
            yield cell.address, envelope
