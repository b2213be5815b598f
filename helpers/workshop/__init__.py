"""The workbook for others: checks, learners' versions of the notebooks, a folder for a class, and a site."""

from __future__ import annotations

from helpers.workshop.checks import expect
from helpers.workshop.learner import learner_version
from helpers.workshop.making import new_workshop
from helpers.workshop.site import make_site

__all__ = ["expect", "learner_version", "make_site", "new_workshop"]
