"""The plan for the sample application: its diffs apply, its types still check, and its screens show the same."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from helpers.lab import Lab
from helpers.review import review
from helpers.review.plan import Plan, Scale, Usage, make_plan
from helpers.review.plan.proposing.proposal import ChangeKind
from tests.review.application import SAMPLE_APP, prepare, type_errors
from tests.review.behaviour.screens import RECORDED, play

#: Of each there is one in the application, and the code shows that its edit keeps the behaviour.
EDITED = {
    ChangeKind.CLEANUP,
    ChangeKind.CLIENT,
    ChangeKind.COALESCED_REFETCH,
    ChangeKind.EVENT,
    ChangeKind.FILTER,
    ChangeKind.POLICY,
    ChangeKind.PUBLICATION,
    ChangeKind.SELECT,
    ChangeKind.SHARED_CHANNEL,
    ChangeKind.STABLE,
}


@pytest.fixture(scope="module")
def usage() -> Usage:
    return Usage.from_toml(SAMPLE_APP / "usage.toml")


async def proposed(usage: Usage) -> Plan:
    """The plan before anything was measured."""
    reviewed = review(SAMPLE_APP)
    return await make_plan(reviewed.inventory, reviewed.findings, usage=usage, measure=False)


def copied(folder: Path) -> Path:
    """The application, in a folder of its own."""
    ignored = shutil.ignore_patterns("node_modules", ".next", "generated")
    return Path(shutil.copytree(SAMPLE_APP, folder, ignore=ignored))


def git_apply(folder: Path, diff: str) -> None:
    done = subprocess.run(["git", "apply", "-"], cwd=folder, input=diff.encode(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


async def test_every_diff_applies(tmp_path: Path, usage: Usage) -> None:
    """Each by itself to the application as it is, each to what those before it leave, and all as one patch."""
    plan = await proposed(usage)
    changes = [*plan.changes, *plan.not_measured]
    edited = [change for change in changes if change.edits]
    assert {change.kind for change in edited} >= EDITED
    assert not [note for note in plan.notes if "takes away" in note]  # none collides with another
    in_order, at_once = copied(tmp_path / "in order"), copied(tmp_path / "at once")
    for number, change in enumerate(edited):
        assert change.alone
        assert change.diff
        git_apply(copied(tmp_path / str(number)), change.alone)
        git_apply(in_order, change.diff)
    git_apply(at_once, plan.patch(unmeasured=True))
    assert tree(in_order) == tree(at_once) != tree(SAMPLE_APP)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of an application."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files if "node_modules" not in file.parts}


async def test_the_screens_show_the_same(tmp_path: Path, usage: Usage) -> None:
    """With all changes made, migrations included, the types check, and each tab ends up showing what was recorded."""
    plan = await proposed(usage)
    application = copied(tmp_path / "edited")
    git_apply(application, plan.patch(unmeasured=True))
    folder = prepare(application, tmp_path / "prepared")
    assert type_errors(folder) == ""
    assert await play(folder) == json.loads(RECORDED.read_text())


async def test_a_change_is_proposed_for_what_it_was_measured_to_spare(quiet_lab: Lab, usage: Usage) -> None:
    """A filter of one room of those that a user may read spares messages; what nobody asked for is told as such."""
    tiny = Scale(rounds=4, seconds=0.3, least=60, most=60, users=5, rows=200)
    reviewed, asked = review(SAMPLE_APP), "filter:hooks/use-messages.ts:22:8"
    plan = await make_plan(
        reviewed.inventory, reviewed.findings, usage=usage, scale=tiny, lab=quiet_lab, measure=[asked]
    )
    (change,) = [change for change in plan.changes if change.gain]
    assert change.id == asked
    assert change.gain is not None
    assert change.gain.chosen is not None
    assert change.gain.chosen.metric == "messages"
    assert change.gain.chosen.high_percent < -20
    assert change.gain.before is not None
    assert change.gain.after is not None
    assert change.gain.before.percent > change.gain.after.percent  # of the quota
    assert change.gain.notes == ()
    assert plan.patch().count("diff --git") == len([change for change in plan.changes if change.edits])
    assert all("Not measured: " in change.advice for change in plan.not_measured)
    assert sum("not asked for" in change.advice for change in plan.not_measured) > 10


async def test_what_is_advised_says_why_it_is_not_edited(usage: Usage) -> None:
    """A change without a diff has advice, and one that was not measured says so in the table."""
    plan = await proposed(usage)
    for change in plan.not_measured:
        assert change.edits or change.advice
    frame = plan.to_frame()
    assert len(frame) == len(plan.changes) + len(plan.not_measured)
    assert set(frame["outcome"]) == {"makes it work", "not measured"}
    assert "Not measured: " in str(plan)
