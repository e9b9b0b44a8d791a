"""Whole runs, kept as what they must come to."""
