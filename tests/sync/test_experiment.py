"""The comparison of strategies, on the lab."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from helpers.results import load_result, save_result
from helpers.sync import STRATEGIES, Load, SyncComparison, compare_strategies
from helpers.target import Target

LOAD = Load(inserts=40, updates=15, deletes=10, per_transaction=8)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def comparison(chat: Target) -> SyncComparison:
    return await compare_strategies(chat, load=LOAD)


def test_the_naive_handler_writes_nothing(comparison: SyncComparison) -> None:
    """Its names are not Prisma's: every event is an error, and no statement reaches the database."""
    run = comparison.run("naive")
    assert (run.events, run.rows_correct, run.lost, run.queries) == (40, 0, 30, 0)
    assert sum(run.errors.values()) == 40
    assert "UniqueViolationError" not in run.errors


def test_with_the_right_names_it_collides(comparison: SyncComparison) -> None:
    """The row it wants to create is the one that the event is about."""
    run = comparison.run("naive with conversion")
    assert run.errors == {"UniqueViolationError": 40}
    assert (run.rows_correct, run.duplicates) == (0, 0)


def test_without_the_id_it_feeds_itself(comparison: SyncComparison) -> None:
    """Each copy is an event that makes a copy, until the experiment cuts the loop."""
    run = comparison.run("naive without id")
    assert run.duplicates == run.echo_events == 80
    assert run.rows_correct == 0


def test_one_create_per_insert_goes_stale(comparison: SyncComparison) -> None:
    """What was updated or deleted later is wrong in the second store, at one query for each row or more."""
    run = comparison.run("create per event")
    assert (run.rows_correct, run.stale, run.duplicates, run.lost) == (15, 15, 10, 0)
    assert run.queries >= 40


def test_batches_keep_the_second_store_equal(comparison: SyncComparison) -> None:
    """Every row, every column, nothing else, with fewer statements than rows."""
    run = comparison.run("batched")
    assert run.is_faithful
    assert (run.events, run.rows_expected, run.errors, run.echo_events) == (65, 30, {}, 0)
    assert run.queries < run.rows_expected


def test_nothing_of_the_runs_is_left(comparison: SyncComparison, chat: Target) -> None:
    """Neither rooms nor messages nor mirrored ones."""
    assert chat.database_url
    with psycopg.connect(chat.database_url) as connection:
        connection.execute("set search_path to sync_chat")
        left = connection.execute(
            "select (select count(*) from rooms where name like 'sync:%'), (select count(*) from mirrored_messages)"
        ).fetchall()
    assert left == [(0, 0)]


def test_the_result_survives_being_saved(
    comparison: SyncComparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As JSON, and back."""
    monkeypatch.setenv("WORKBOOK_RESULTS_DIR", str(tmp_path))
    save_result("sync", comparison)
    assert load_result("sync", SyncComparison) == comparison
    assert list(comparison.to_frame().index) == [strategy.name for strategy in STRATEGIES]


@pytest.mark.parametrize(
    ("missing", "names"),
    [
        ({"writes_allowed": False}, "set WORKBOOK_ALLOW_WRITES=yes,"),
        ({"database_url": None, "secret_key": None}, "set DATABASE_URL and SUPABASE_SECRET_KEY,"),
    ],
)
async def test_a_target_that_cannot_be_written_to_is_skipped(
    target: Target, missing: dict[str, None], names: str
) -> None:
    """With one sentence that tells what to set, and no exception."""
    comparison = await compare_strategies(replace(target, **missing))
    assert comparison.runs == ()
    assert comparison.skipped.startswith(names)
    assert str(comparison).startswith("skipped: set ")
