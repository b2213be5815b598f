"""Every rule in a scenario of its own: broken, exactly it fires; mended by its fix, nothing does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from helpers.diagnosis import gather
from helpers.diagnosis.evidence import Evidence
from helpers.diagnosis.results import Check, Status
from helpers.diagnosis.rules import judge
from helpers.lab import Lab
from tests.diagnosis.scenarios import SCENARIOS, Scenario, Ward, healthy_ward

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def health(clinic: Lab) -> Evidence:
    """A full look at the lab while nothing is wrong with it."""
    return await gather(clinic.target, repeats=1)


@pytest_asyncio.fixture(loop_scope="session")
async def ward(clinic: Lab, health: Evidence, tmp_path: Path) -> AsyncIterator[Ward]:
    async with healthy_ward(clinic, health, tmp_path) as ward:
        yield ward


def findings(evidence: Evidence) -> dict[str, Check]:
    return {check.id: check for check in judge(evidence) if check.is_finding}


async def test_the_healthy_lab_gives_no_finding(health: Evidence) -> None:
    """With the workbook's own tables, nothing is wrong."""
    assert findings(health) == {}


async def test_a_healthy_table_gives_no_finding(ward: Ward) -> None:
    """Quoted names and all, a table that is set up well is left alone, with not even a note about it."""
    seen = {check.id: check for check in judge(await ward.look(database=True, subscriptions=True))}
    assert {name: check.cause for name, check in seen.items() if check.is_finding} == {}
    assert {name for name, check in seen.items() if check.status is Status.NOTE} <= HEALTHY_NOTES


#: What is worth knowing of the lab even in health: its role bypasses policies, nobody uses private channels, it polls,
#: old rows are complete, and new tables are granted to nobody.
HEALTHY_NOTES = {
    "role_obeys_rls",
    "private_channels",
    "delivery_time",
    "changes_ready",
    "old_rows_kept",
    "default_grants",
}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: f"{each.rule}: {each.story}")
async def test_exactly_the_rule_fires_and_its_fix_cures(ward: Ward, scenario: Scenario) -> None:
    """The rule that is meant fires, no other does, and after its printed fix none does."""
    await scenario.breaks(ward)
    checks = {check.id: check for check in judge(await scenario.looks(ward))}
    check = checks[scenario.rule]
    assert check.status is scenario.status, str(check)
    assert {name for name in checks if checks[name].is_finding} <= {scenario.rule}
    await scenario.mends(ward, check)
    mended = {check.id: check for check in judge(await scenario.looks(ward))}
    assert mended[scenario.rule].status is Status.OK, str(mended[scenario.rule])
    assert {name for name in mended if mended[name].is_finding} == set()
