"""The road of an order: coordinator, portfolio, risk, execution, custodian."""

from agents.desk import portfolio, proposal, risk, working_order

PROTOCOL = (
    *proposal.PROTOCOL, *portfolio.PROTOCOL, *risk.PROTOCOL, *working_order.PROTOCOL,
)  # fmt: skip

__all__ = ["PROTOCOL"]
