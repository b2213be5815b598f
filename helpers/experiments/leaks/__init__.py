"""Leaks: a habit repeated, and whether memory grows with it, by slope."""

from __future__ import annotations

from helpers.experiments.leaks.compare import compare_leaks, find_leak
from helpers.experiments.leaks.results import LeakCase, LeakStudy
from helpers.probes.habits import Client, Habit

__all__ = ["Client", "Habit", "LeakCase", "LeakStudy", "compare_leaks", "find_leak"]
