"""Whoever answers: a model server by its official client, or the embedded rules."""

from llm.providers.provider import Call, Completion, Failure, Provider, ProviderFailed

__all__ = ["Call", "Completion", "Failure", "Provider", "ProviderFailed"]
