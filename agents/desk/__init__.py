"""The road of an order: portfolio, risk, execution, custodian."""

from agents.desk.risk import PROTOCOL

__all__ = ["PROTOCOL"]
