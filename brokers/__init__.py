"""Venues behind one interface."""
