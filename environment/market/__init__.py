"""The market: one compiled core, and the exchange that stands before it."""
