"""Tests of the agents that ask a language model."""
