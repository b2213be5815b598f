"""A pattern that recognises a sentence, as a person reads it."""

from __future__ import annotations

import re

__all__ = ["readable"]

#: In this order: what is replaced, and by what. Escaped parentheses are put aside first, and come back last.
STEPS = (
    (r"\\\(", "\1"),
    (r"\\\)", "\2"),
    (r"\(\?<?[!=][^()]*\)", ""),  # what must not stand there
    (r"\(\?P<\w+>[^()]*\)\??", "…"),  # what varies
    (r"\(\?[a-z]*:[^()]*\)\?", ""),  # what may be missing
    (r"\(\?[a-z]*:|[()^$?]|\\b", ""),
    (r"\.\*|\[[^\]]*\][*+]?|\\[sdw][*+]?", "…"),
    (r"\|", " / "),
    (r"\\(.)", r"\1"),
    ("\1", "("),
    ("\2", ")"),
)


def readable(pattern: str) -> str:
    """Its alternatives beside each other, with an ellipsis for what varies; what may be missing is left out."""
    for found, meant in STEPS:
        pattern = re.sub(found, meant, pattern)
    return pattern.strip()
