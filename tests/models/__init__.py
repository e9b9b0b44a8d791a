"""Obvious models that fast code is compared with."""
