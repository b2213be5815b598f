"""What a message weighs and costs on its way: its form, its size, and compression."""

from __future__ import annotations

from helpers.experiments.encoding.compression import compare_compression
from helpers.experiments.encoding.formats import SIZES, compare_encodings, sweep_encodings

__all__ = ["SIZES", "compare_compression", "compare_encodings", "sweep_encodings"]
