"""What a run is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from helpers.session import Which

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What to run.

    Attributes:
        which: lab or project.
        out: where report, notebooks and results go.
        notebooks: the folder whose notebooks are executed, in the order of their names.
        everything: whether those are, too, that the report does not need.
        size: of the experiments; None leaves it to `WORKBOOK_SIZE`.
    """

    which: Which
    out: Path
    notebooks: Path
    everything: bool = False
    size: str | None = None
