"""Laws of the market core over whatever Hypothesis finds."""
