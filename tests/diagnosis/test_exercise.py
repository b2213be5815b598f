"""What the notebooks show: one change arriving, tables broken and mended, what the machine brings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from helpers.diagnosis import EXERCISES, Status, break_and_mend, first_change
from helpers.diagnosis.machine import check_machine
from helpers.errors import FailureError, InputError
from helpers.target import Target


async def test_the_first_change_is_the_row_that_was_written(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """One row is written, its change brings it, and it is deleted again."""
    before = await (await surgeon.execute("select count(*) from public.events")).fetchone()
    change = await first_change(patient)
    assert change.record["body"].startswith("hello ")
    assert 0 < change.joined_ms <= change.ready_ms
    assert change.arrived_ms > 0
    assert change.record["body"] in change._repr_html_()
    assert await (await surgeon.execute("select count(*) from public.events")).fetchone() == before


async def test_without_leave_the_first_change_is_skipped(patient: Target) -> None:
    """A project that may not be written to gets one sentence that says what to set."""
    change = await first_change(replace(patient, writes_allowed=False))
    assert "WORKBOOK_ALLOW_WRITES=yes" in str(change)
    assert change.record == {}


@pytest.mark.parametrize("rule_id", EXERCISES)
async def test_a_table_is_broken_found_and_mended(patient: Target, rule_id: str) -> None:
    """The rule fires on the broken table, and is content after its own fix."""
    mending = await break_and_mend(patient, rule_id)
    assert mending.before[0].is_finding
    assert mending.after[0].status is Status.OK
    assert mending.before[0].fix.splitlines()[0] in str(mending)


async def test_the_server_itself_confirms_the_mending(patient: Target) -> None:
    """Realtime refuses the table that is not published, and takes it once it is."""
    mending = await break_and_mend(patient, "tables_published")
    assert (mending.before[1].status, mending.after[1].status) == (Status.SKIPPED, Status.OK)
    assert "Unable to subscribe" in mending.before[1].evidence
    assert "it follows from “Every table is in the publication”" in mending.before[1].evidence


async def test_an_exercise_leaves_nothing_behind(patient: Target, surgeon: psycopg.AsyncConnection) -> None:
    """The table is dropped, and with it its place in the publication."""
    await break_and_mend(patient, "select_granted")
    left = await surgeon.execute("select count(*) from pg_class where relname like 'exercise_%'")
    assert await left.fetchone() == (0,)


async def test_without_leave_an_exercise_is_skipped(patient: Target) -> None:
    """Nothing is broken where nothing may be written."""
    assert "WORKBOOK_ALLOW_WRITES=yes" in str(
        await break_and_mend(replace(patient, writes_allowed=False), "select_granted")
    )


async def test_an_unknown_exercise_is_an_input_error(patient: Target) -> None:
    """The error names the exercises that there are."""
    with pytest.raises(InputError, match="tables_published"):
        await break_and_mend(patient, "nosuch")


async def test_a_database_that_refuses_is_told_in_words(patient: Target) -> None:
    """No stack trace of a driver reaches the notebook."""
    with pytest.raises(FailureError, match="DATABASE_URL"):
        await break_and_mend(replace(patient, database_url="postgresql://nobody@127.0.0.1:1/none"), "select_granted")


def test_this_machine_is_ready() -> None:
    """Where the tests run, everything that a run needs is there, PostgreSQL and Node with their versions."""
    machine = check_machine().set_index("part")
    assert machine["ready"].all()
    assert machine.loc["PostgreSQL", "found"].startswith("postgres (PostgreSQL) 18")
    assert machine.loc["Node", "found"].startswith("v")


def test_a_machine_without_node_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that is missing is a row with its advice, not an exception."""
    monkeypatch.setenv("WORKBOOK_NODE", str(tmp_path / "no-node"))
    node = check_machine().set_index("part").loc["Node"]
    assert not node["ready"]
    assert node["advice"]
