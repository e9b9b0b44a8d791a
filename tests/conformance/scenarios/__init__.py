"""Whole runs of shipped scenarios: what must hold of every one of them."""
