"""A small linear classifier of financial text: trained apart, shipped as weights, numpy alone."""

from llm.sentiment.classifier import Classifier, Mood, shipped_classifier

__all__ = ["Classifier", "Mood", "shipped_classifier"]
