"""What is said between a lab process and the process that started it: one line of JSON each way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from helpers import errors
from helpers.errors import LabError, WorkbookError

__all__ = ["Failed", "Order", "Ready"]


@dataclass(frozen=True, slots=True)
class Order:
    """What the parent asks for.

    Attributes:
        settings: of the lab, as `LabSettings.to_mapping` gives them; the paths in it are absolute.
        node: the Node to run, and parts: the folder that holds its `node_modules`.
        log: the file that the process's stderr goes to.
        parent: the process id of whoever orders.
    """

    settings: dict[str, Any]
    node: str
    parts: str
    log: str
    parent: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The lab serves; this is `Lab.info`."""

    info: dict[str, str]


@dataclass(frozen=True, slots=True)
class Failed:
    """The lab could not start: a `WorkbookError`, to be raised in the parent."""

    kind: str
    tried: str
    happened: str
    advice: str

    def error(self) -> WorkbookError:
        """The error that it was."""
        kind: type[WorkbookError] = getattr(errors, self.kind, LabError)
        return kind(self.tried, self.happened, self.advice)
