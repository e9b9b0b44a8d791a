"""Why a person's answer does not count, in words for that person."""

from agents.human.approval_state import Entry
from environment.approval_messages import CardAnswer


def answer_fault(
    entry: Entry | None, answer: CardAnswer, now_ns: int, figures_age_ns: int, ended: str
) -> str:
    """Return "" for an answer that counts, else the reason why not.

    Whether the person is signed in and may answer is checked by whoever speaks for people; that
    two of them are two is checked here.
    """
    if entry is None:
        return f"it has ended: {ended}" if ended else "no such card"
    if not entry.is_open:
        return f"it has ended: {entry.outcome}" if entry.outcome else "it is being drawn smaller"
    if not answer.person or not answer.sign_in_id:
        return "nobody is signed in"
    if answer.record_hash != entry.card.record_hash:
        return "the order has changed since: look at it again"
    if answer.answer == "reject":
        return ""  # A no never comes too late, and needs no fresh figures.
    return (
        _age_fault(entry, answer, now_ns, figures_age_ns)
        or _quantity_fault(entry, answer)
        or _second_person_fault(entry, answer)
    )


def _age_fault(entry: Entry, answer: CardAnswer, now_ns: int, figures_age_ns: int) -> str:
    if not figures_age_ns:
        return ""
    as_of_ns = entry.figures_ns.get(answer.figures_sequence)
    if as_of_ns is None or now_ns - as_of_ns > figures_age_ns:
        return "the figures shown are older than 5 s: here are the new ones"
    return ""


def _quantity_fault(entry: Entry, answer: CardAnswer) -> str:
    whole = entry.card.quantity
    if answer.answer == "smaller":
        quantity = answer.quantity
        if quantity is None or not 0 < quantity < whole:
            return f"smaller means 1 to {whole - 1}, not {quantity}"
        return ""
    if entry.card.tier == "two" and answer.quantity != whole:
        return f"two people type the quantity: {whole}, not {answer.quantity}"
    if answer.quantity not in {None, whole}:
        return f"the order is for {whole}, not {answer.quantity}: make it smaller instead"
    return ""


def _second_person_fault(entry: Entry, answer: CardAnswer) -> str:
    """Return why two answers would not be two people's."""
    if entry.card.tier != "two":
        return ""
    if not answer.password_proved:
        return "two people each enter their password for this answer"
    for first in entry.yes:
        if answer.person == first.person:
            return f"{first.person} has answered: another person is needed"
        if answer.sign_in_id == first.sign_in_id or (
            answer.browser_id and answer.browser_id == first.browser_id
        ):
            return "another sign-in, in another browser, is needed"
    return ""
