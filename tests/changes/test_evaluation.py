"""The connections on which policies are asked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from helpers.lab import Lab
from helpers.lab.changes.catalog import describe_tables
from helpers.lab.changes.evaluation import Evaluation, Question
from helpers.lab.changes.visibility import Key
from tests.changes.conftest import ALICE, BOB, Stage

ROWS = 6_000  # more than are asked for in one statement


async def test_no_more_connections_can_be_had(stage: Stage, lab: Lab, tmp_path: Path) -> None:
    """When a project's own pool has taken them all, the work is done on those that there are."""
    await stage.table("notes", "id int primary key", publish=False)
    await stage.sql(f"insert into notes select generate_series(1, {ROWS})")
    ((oid,),) = await stage.sql("select 'notes'::regclass::oid::int8")
    way = tmp_path / "database"
    way.symlink_to(lab.info["db_socket_dir"])
    dsn = stage.dsn.replace(lab.info["db_socket_dir"], str(way))
    settings = dataclasses.replace(stage.settings, evaluation_connections=2)
    async with Evaluation(dsn, settings) as evaluation:
        way.unlink()
        tables = await describe_tables(evaluation.connection, [oid], ["anon"])
        keys: tuple[Key, ...] = tuple((str(number),) for number in range(1, ROWS + 1))
        questions: dict[Question, tuple[Key, ...]] = {
            (("anon", f'{{"sub":"{who}"}}'), oid): keys for who in (ALICE, BOB)
        }
        visible = await evaluation.see(questions, tables)
        assert [len(seen) for seen in visible.values()] == [ROWS, ROWS]
        assert not evaluation.lost
