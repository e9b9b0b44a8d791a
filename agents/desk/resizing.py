"""Orders made smaller: to what is left to close, or to the largest that no hard limit refuses."""

from agents.desk.case import Activity, Case
from agents.desk.risk_case import CaseMaker, with_quantity
from agents.desk.risk_state import RiskState
from agents.desk.ruling import largest_within
from agents.desk.states import FLATTEN


class Resizing:
    """Makes the cases of smaller orders. Nothing is ever made smaller without saying so."""

    def __init__(self, maker: CaseMaker) -> None:
        self._maker = maker

    def capped(self, state: RiskState, case: Case, activity: Activity) -> Case:
        """Return the case for what is left to close, where the desk only reduces."""
        if case.owner == FLATTEN:
            case.is_flatten, case.state = True, "reducing"
        if case.state != "reducing":
            return case
        request, units = case.request, case.closeable_units
        if not 0 < units < request.quantity:
            return case
        smaller = with_quantity(request, units)
        capped = self._maker.case(state, smaller, case.now_ns, activity=activity)
        capped.state, capped.is_flatten = case.state, case.is_flatten
        return capped if capped.is_reducing else case

    def smaller(self, state: RiskState, case: Case, activity: Activity, least: int) -> Case | None:
        """Return the largest case that breaks nothing hard, if its proposer takes a smaller one."""
        if not least:
            return None
        request = case.request

        def case_of(quantity: int) -> Case:
            smaller = with_quantity(request, quantity)
            return self._maker.case(state, smaller, case.now_ns, activity=activity)

        quantity = largest_within(request.quantity, least, case_of, state.rules)
        return case_of(quantity) if quantity else None
