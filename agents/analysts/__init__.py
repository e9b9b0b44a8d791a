"""Agents that ask a language model: they read, cite, stay within budget, and abstain."""

from pathlib import Path
from typing import Final

from agents.analysts.forms import FORMS
from agents.analysts.offline_rules import RULES

PROMPTS: Final = Path(__file__).resolve().parent / "prompts"

__all__ = ["FORMS", "PROMPTS", "RULES"]
