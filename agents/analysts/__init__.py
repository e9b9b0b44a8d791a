"""Agents that read text through a language model."""
