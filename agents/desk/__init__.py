"""The road of an order: coordinator, portfolio, risk, execution, custodian."""

from agents.desk import portfolio, proposal, risk

PROTOCOL = (*proposal.PROTOCOL, *portfolio.PROTOCOL, *risk.PROTOCOL)

__all__ = ["PROTOCOL"]
