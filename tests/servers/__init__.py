"""Servers of our own on loopback, that behave as the services which clients are made for."""
