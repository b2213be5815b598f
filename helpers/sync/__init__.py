"""Keeping a second store in step with a table, from Realtime's changes through Prisma."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.lazy import lazy_exports

if TYPE_CHECKING:
    from helpers.sync.batching import Batcher
    from helpers.sync.convert import ConversionError, Converter
    from helpers.sync.experiment import compare_strategies
    from helpers.sync.failures import Failure, failure_of
    from helpers.sync.folding import Folded, fold, item_of
    from helpers.sync.load import Load
    from helpers.sync.prisma_table import PrismaTable, refetch
    from helpers.sync.readers import PrismaLogReader, PrismaRowReader
    from helpers.sync.results import SyncComparison, SyncRun
    from helpers.sync.revalidation import Revalidator
    from helpers.sync.strategies import STRATEGIES, Strategy
    from helpers.sync.views import RowViews, one_row_twice
    from helpers.sync.writing import BatchWriter, SetAside
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "batching": ("Batcher",),
            "convert": ("ConversionError", "Converter"),
            "experiment": ("compare_strategies",),
            "failures": ("Failure", "failure_of"),
            "folding": ("Folded", "fold", "item_of"),
            "load": ("Load",),
            "prisma_table": ("PrismaTable", "refetch"),
            "readers": ("PrismaLogReader", "PrismaRowReader"),
            "results": ("SyncComparison", "SyncRun"),
            "revalidation": ("Revalidator",),
            "strategies": ("STRATEGIES", "Strategy"),
            "views": ("RowViews", "one_row_twice"),
            "writing": ("BatchWriter", "SetAside"),
        },
    )

__all__ = [
    "STRATEGIES",
    "BatchWriter",
    "Batcher",
    "ConversionError",
    "Converter",
    "Failure",
    "Folded",
    "Load",
    "PrismaLogReader",
    "PrismaRowReader",
    "PrismaTable",
    "Revalidator",
    "RowViews",
    "SetAside",
    "Strategy",
    "SyncComparison",
    "SyncRun",
    "compare_strategies",
    "failure_of",
    "fold",
    "item_of",
    "one_row_twice",
    "refetch",
]
