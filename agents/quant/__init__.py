"""Agents that decide by numbers."""
