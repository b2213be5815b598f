"""A review with its measured plan, as a result that is saved and that the report reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.experiments.size import Size, experiment_size
from helpers.places import repository_root
from helpers.prisma.datamodel import Model, read_datamodel
from helpers.results import utc_now
from helpers.review.plan.model import Plan
from helpers.review.plan.usage import Usage
from helpers.review.reviewing import Review, review

if TYPE_CHECKING:
    from helpers.review.inventory import Inventory

__all__ = ["BRIEF_KINDS", "PATH_VARIABLE", "Followed", "Reviewed", "code_path", "review_briefly", "reviewed"]

#: The folder of the user's application.
PATH_VARIABLE = "WORKBOOK_REVIEW_PATH"
#: In small, one change of each of these kinds is measured: rows that nobody wants pay the most.
BRIEF_KINDS = ("filter",)


@dataclass(frozen=True, slots=True)
class Followed:
    """A table that the application subscribes to, and its Prisma model.

    Attributes:
        filter: as the code has it; what it computes stands in braces (`room_id=eq.{roomId}`). Empty without one.
    """

    schema: str
    table: str
    filter: str
    model: Model


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What was found in the code, and what changing it was measured to bring.

    Attributes:
        target: where it was measured: a lab, whatever the application's own Supabase is.
        code: the folder, from the workbook's own or else by its name alone.
        is_sample: whether it is the workbook's sample application and not the user's.
        findings: how many of each severity.
        size: of the replays.
        followed: for the report's example; None if no subscription's table has a Prisma model.
    """

    target: str
    taken_at: str
    code: str
    is_sample: bool
    files: int
    channels: int
    findings: dict[str, int]
    size: str
    plan: Plan
    followed: Followed | None = None


def code_path() -> Path:
    """The application to be reviewed: what `WORKBOOK_REVIEW_PATH` names, else the workbook's sample."""
    return Path(os.environ.get(PATH_VARIABLE) or _sample())


async def review_briefly() -> Reviewed:
    """Review `code_path()`, and measure one change of each of `BRIEF_KINDS` in a lab; in full size, all changes.

    How much it is used is what its `usage.toml` states, if there is one.

    Raises:
        SettingsError: there is nothing at the path. LabError, NodeError: the lab did not start.
    """
    from helpers.review.plan.planning import make_plan  # what replays need takes a second to import

    found = review(code_path())
    stated = Path(found.inventory.root) / "usage.toml"
    usage = Usage.from_toml(stated) if stated.is_file() else None
    proposed = await make_plan(found.inventory, found.findings, usage=usage, measure=False)
    measure = experiment_size() is Size.FULL or _first_of_each(proposed) or False
    plan = await make_plan(found.inventory, found.findings, usage=usage, measure=measure)
    return reviewed(found, plan)


def _first_of_each(proposed: Plan) -> list[str]:
    """Of `BRIEF_KINDS`, the change that is proposed first."""
    proposals = [change.id for change in (*proposed.changes, *proposed.not_measured)]
    firsts = (next((id for id in proposals if id.startswith(f"{kind}:")), None) for kind in BRIEF_KINDS)
    return [found for found in firsts if found]


def reviewed(found: Review, plan: Plan) -> Reviewed:
    """A review and its plan as one result."""
    root = Path(found.inventory.root)
    severities = [str(finding.severity) for finding in found.findings]
    return Reviewed(
        target=f"lab, in which the subscriptions of {_named(root)} were replayed",
        taken_at=utc_now(),
        code=_named(root),
        is_sample=root == _sample(),
        files=found.inventory.looked_at,
        channels=len(found.inventory.channels),
        findings={severity: severities.count(severity) for severity in dict.fromkeys(severities)},
        size=str(experiment_size()),
        plan=plan,
        followed=next(_followed(found.inventory), None),
    )


def _sample() -> Path:
    return repository_root() / "data" / "sample-app"


def _named(root: Path) -> str:
    """Without the folders above it, which are nobody's business in a report that is passed on."""
    home = repository_root()
    return root.relative_to(home).as_posix() if root.is_relative_to(home) and root != home else root.name


def _followed(inventory: Inventory) -> Iterator[Followed]:
    """Tables that are subscribed to and whose model is known, those with a filter first."""
    models = _models(Path(inventory.root))
    bindings = [each for channel in inventory.channels for each in channel.bindings if each.table]
    for binding in sorted(bindings, key=lambda each: each.filter is None):
        model = models.get(str(binding.table))
        if model is not None:
            yield Followed(str(binding.schema or "public"), model.table, str(binding.filter or ""), model)


def _models(root: Path) -> dict[str, Model]:
    """By their tables, out of the application's `schema.prisma` in one of the places where Prisma looks."""
    for path in (root / "prisma" / "schema.prisma", root / "schema.prisma"):
        if path.is_file():
            return {model.table: model for model in read_datamodel(path).models.values()}
    return {}
