"""Everyone who acts in the market."""
