"""Learners' versions of the notebooks, and a folder that a workshop starts from."""

from __future__ import annotations

from helpers.workshop.learner import learner_version
from helpers.workshop.making import new_workshop

__all__ = ["learner_version", "new_workshop"]
