"""The road of an order: coordinator, portfolio, risk, execution, custodian."""

from agents.desk import portfolio, proposal, reload, risk, working_order

PROTOCOL = (
    *proposal.PROTOCOL, *portfolio.PROTOCOL, *risk.PROTOCOL, *working_order.PROTOCOL,
    *reload.PROTOCOL,
)  # fmt: skip

__all__ = ["PROTOCOL"]
