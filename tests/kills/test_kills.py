"""A few kills; `python -m tests.kills --times 100` makes more."""

from __future__ import annotations

from pathlib import Path

from helpers.lab import Lab
from tests.kills.mirror import kill_a_mirror
from tests.kills.outbox import kill_an_outbox
from tests.kills.prisma_mirror import kill_a_prisma_mirror


async def test_a_mirror_that_is_killed_loses_nothing(lab: Lab, tmp_path: Path) -> None:
    """At four points of its work, with -9, while somebody writes."""
    outcome = await kill_a_mirror(lab.target, tmp_path, times=4)
    assert outcome.held, str(outcome)
    assert outcome.changes > 20


async def test_a_mirror_that_prisma_writes_loses_nothing_when_it_is_killed(lab: Lab, tmp_path: Path) -> None:
    """At three points of its work, with -9, and with whatever its engine was doing."""
    outcome = await kill_a_prisma_mirror(lab.target, tmp_path, times=3)
    assert outcome.held, str(outcome)
    assert outcome.changes > 20


async def test_an_outbox_that_is_killed_loses_and_doubles_nothing(lab: Lab, tmp_path: Path) -> None:
    """At three points of its work, with -9, while it takes writes and sends them."""
    losses = await kill_an_outbox(lab.target, tmp_path, times=3)
    assert losses.held, str(losses)
    assert losses.promised > 10
