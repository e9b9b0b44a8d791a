"""Tests of how language models are asked."""
