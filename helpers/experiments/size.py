"""How big an experiment is: small enough for a class, or long enough to quote."""

from __future__ import annotations

import os
from enum import StrEnum

from helpers.errors import SettingsError

__all__ = ["SIZE_VARIABLE", "Size", "experiment_size"]

SIZE_VARIABLE = "WORKBOOK_SIZE"


class Size(StrEnum):
    """Small fits into a minute with its notebook; full takes minutes, and has the narrower intervals."""

    SMALL = "small"
    FULL = "full"


def experiment_size(asked: str | None = None) -> Size:
    """The size that was asked for, else that of `WORKBOOK_SIZE`, else small.

    Raises:
        SettingsError: there is no such size.
    """
    said = asked or os.environ.get(SIZE_VARIABLE) or Size.SMALL
    try:
        return Size(said.strip().lower())
    except ValueError:
        sizes = " or ".join(Size)
        raise SettingsError(
            "choosing the size of an experiment", f"there is no size {said!r}", f"Say {sizes}, or set {SIZE_VARIABLE}"
        ) from None
