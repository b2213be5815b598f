"""What a message weighs and costs on its way: its form, its size, and compression."""

from __future__ import annotations

from helpers.experiments.encoding.formats import SIZES, compare_encodings, sweep_encodings

__all__ = ["SIZES", "compare_encodings", "sweep_encodings"]
