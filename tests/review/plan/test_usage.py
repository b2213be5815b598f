"""How much an application is used: stated, or read from the database."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from helpers.errors import FailureError, SettingsError, TargetError
from helpers.experiments.tables import own_table
from helpers.plans import Plan
from helpers.review.plan.observed import read_usage, usage_of
from helpers.review.plan.usage import Usage
from helpers.target import Target, TargetKind


def test_usage_is_stated_in_toml(tmp_path: Path) -> None:
    """What is not stated has its default, and whoever reads the plan learns where the numbers are from."""
    file = tmp_path / "usage.toml"
    file.write_text(
        'plan = "pro"\n[tables.messages]\nrows = 200_000\ninserts_per_s = 3\n[screens.Room]\nusers = 400\n', "utf-8"
    )
    usage = Usage.from_toml(file)
    assert (usage.plan, usage.table("messages").rows, usage.screen("Room").users) == (Plan.PRO, 200_000, 400)
    others = usage.default_table.updates_per_s + usage.default_table.deletes_per_s
    assert usage.table("messages").changes_per_s == pytest.approx(3 + others)
    assert usage.table("other") == usage.default_table
    assert usage.source == "stated in usage.toml"


@pytest.mark.parametrize(
    "text",
    ["plan = 'platinum'", "[tables.t]\nrow = 1", "[tables.t]\nmatch_share = 0", "[screens.s]\nusers = -1", "a ="],
)
def test_mistakes_in_the_file_are_told(tmp_path: Path, text: str) -> None:
    """An unknown word, a value out of bounds and a file that is no TOML name what is wrong."""
    file = tmp_path / "usage.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=r"usage\.toml"):
        Usage.from_toml(file)
    with pytest.raises(SettingsError, match="No such file"):
        Usage.from_toml(tmp_path / "none.toml")


async def test_usage_is_read_from_the_database(target: Target) -> None:
    """Rows, sizes and the share of a column's values are what was written; rates are above nothing."""
    async with own_table(target) as table:
        await table.run(
            f"insert into {table.quoted} (seq, room_id, body)"
            " select n, n % 20, repeat('x', 500) from generate_series(1, 400) n"
        )
        await table.run(f"analyze {table.quoted}")
        await table.run("select pg_stat_force_next_flush()")
        usage = await read_usage(target, [table.name], groups={table.name: "room_id"}, seconds=0.2)
    found = usage.table(table.name)
    assert found.rows == 400
    assert found.match_share == pytest.approx(0.05)
    assert 480 <= found.column_bytes["body"] <= 520
    assert "counted by the database in 0.2 s" in usage.source


def test_nobody_knows_rates_of_statistics_that_were_never_reset() -> None:
    """A database that does not say since when it counts is waited for; one that does is divided by."""
    row = {"name": "t", "rows": 5, "inserts": 60, "updates": 0, "deletes": 0, "seconds": None}
    with pytest.raises(FailureError, match="since when"):
        usage_of(row, None, [], {}, 0.0, Usage())
    assert usage_of({**row, "seconds": 30.0}, None, [], {}, 0.0, Usage()).inserts_per_s == 2.0


async def test_rates_are_counted_while_it_waits(target: Target) -> None:
    """Rows that are written between two looks are rows a second."""
    async with own_table(target) as table:
        reading = asyncio.create_task(read_usage(target, [table.name], seconds=1.0))
        await asyncio.sleep(0.4)
        await table.run(f"insert into {table.quoted} (seq) select n from generate_series(1, 50) n")
        await table.run("select pg_stat_force_next_flush()")
        found = (await reading).table(table.name)
    assert found.inserts_per_s == pytest.approx(50, rel=0.2)
    assert found.updates_per_s == 0


async def test_reading_writes_nothing_and_needs_a_database() -> None:
    """Without DATABASE_URL it says what to set."""
    target = Target(TargetKind.HOSTED, "https://example.supabase.co", "sb_publishable_x")
    with pytest.raises(TargetError, match="DATABASE_URL"):
        await read_usage(target, ["messages"])


async def test_a_database_that_does_not_answer_is_told_without_its_password(target: Target) -> None:
    """The error names what to check, and no secret."""
    wrong = Target(TargetKind.LOCAL, target.api_url, "k", database_url="postgresql://u:geheim@127.0.0.1:1/postgres")
    with pytest.raises(FailureError) as caught:
        await read_usage(wrong, ["messages"])
    assert "geheim" not in str(caught.value)
