"""One typed way to ask a language model."""
