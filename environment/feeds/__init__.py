"""Recorded data as arrays and frames: validated, exact, or refused with one line."""
