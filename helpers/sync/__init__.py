"""Keeping a second store in step with a table, from Realtime's changes through Prisma."""

from __future__ import annotations

from helpers.sync.batching import Batcher
from helpers.sync.convert import ConversionError, Converter
from helpers.sync.experiment import compare_strategies
from helpers.sync.folding import Folded, fold
from helpers.sync.load import Load
from helpers.sync.mirror import Mirror, refetch
from helpers.sync.results import SyncComparison, SyncRun
from helpers.sync.strategies import STRATEGIES, Strategy
from helpers.sync.views import RowViews, one_row_twice

__all__ = [
    "STRATEGIES",
    "Batcher",
    "ConversionError",
    "Converter",
    "Folded",
    "Load",
    "Mirror",
    "RowViews",
    "Strategy",
    "SyncComparison",
    "SyncRun",
    "compare_strategies",
    "fold",
    "one_row_twice",
    "refetch",
]
