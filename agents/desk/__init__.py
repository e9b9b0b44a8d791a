"""The road of an order: portfolio, risk, execution, custodian."""
