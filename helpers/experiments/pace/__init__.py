"""Pace: a handler that is slower than its stream, and a client that reads too slowly."""

from __future__ import annotations

from helpers.experiments.pace.compare import LEVELS, compare_paces
from helpers.experiments.pace.compare_slow import compare_slow_readers, watch_slow_reader
from helpers.experiments.pace.handler import Cost, burn
from helpers.experiments.pace.slow_results import Flood, Reading, SlowRun
from helpers.experiments.pace.source import compare_source_paces
from helpers.experiments.pace.verdict import age_at, growth_at, knees, levels_of
from helpers.stream.paces import Pace

__all__ = [
    "LEVELS",
    "Cost",
    "Flood",
    "Pace",
    "Reading",
    "SlowRun",
    "age_at",
    "burn",
    "compare_paces",
    "compare_slow_readers",
    "compare_source_paces",
    "growth_at",
    "knees",
    "levels_of",
    "watch_slow_reader",
]
