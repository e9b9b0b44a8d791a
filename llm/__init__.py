"""One typed way to ask a language model: what is asked is data, what comes back fits a form."""

from llm.messages import PROTOCOL, AskModel, CallLimits, ModelAnswer, Part

__all__ = ["PROTOCOL", "AskModel", "CallLimits", "ModelAnswer", "Part"]
