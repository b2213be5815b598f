"""A tab of a real browser: what subscriptions cost it, what components leave in it, and what it does when hidden."""

from __future__ import annotations

from helpers.experiments.browser.chromium import describe_browser
from helpers.experiments.browser.hiding import watch_hidden_tabs
from helpers.experiments.browser.hiding_results import Pulse, PulseStudy, TabKind
from helpers.experiments.browser.mounting import compare_mounts
from helpers.experiments.browser.mounting_results import MountCase, MountHabit, MountStudy
from helpers.experiments.browser.subscribing import compare_tab_costs

__all__ = [
    "MountCase",
    "MountHabit",
    "MountStudy",
    "Pulse",
    "PulseStudy",
    "TabKind",
    "compare_mounts",
    "compare_tab_costs",
    "describe_browser",
    "watch_hidden_tabs",
]
