"""Measurements: each prints a table, and `make bench` keeps the figures as JSON."""
