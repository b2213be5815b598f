"""Writes that are made offline."""

from __future__ import annotations

import psycopg
import pytest

from helpers.experiments import Experiment, Optimism, compare_offline, measure_optimism
from helpers.experiments.offline import DOUBLED, IN_FILE, IN_MEMORY, LOST, OUTBOX, UNDONE
from helpers.lab import Lab
from helpers.resilience import install_change_log, logged_tables
from tests.chat import chat_in


async def test_lists_lose_and_double_and_the_outbox_does_not(lab: Lab) -> None:
    """And nothing of it is left in the database."""
    async with chat_in(lab.target, "offline") as chat:
        found = await compare_offline(chat, writes=20, rounds=1)
        assert isinstance(found, Experiment), found
        assert found.estimate(IN_MEMORY, LOST.name).mean > 20
        assert found.estimate(IN_FILE, LOST.name).mean > 5
        for arm in (IN_MEMORY, IN_FILE):
            assert found.estimate(arm, DOUBLED.name).mean > 0
            assert found.values(arm, UNDONE.name) == [100.0]
        assert [found.values(OUTBOX, one.name) for one in (LOST, DOUBLED, UNDONE)] == [[0.0], [0.0], [0.0]]
        assert f"“{OUTBOX}” lost 0 %" in found.answer
        assert chat.database_url is not None
        async with await psycopg.AsyncConnection.connect(chat.database_url) as connection:
            left = await connection.execute("select to_regclass('offline.done_writes')")
            assert await left.fetchone() == (None,)
            left = await connection.execute("select count(*) from offline.events where room_id >= 2^40")
            assert await left.fetchone() == (0,)


async def test_optimism_is_timed(lab: Lab) -> None:
    """Shown before the server knows, taken back if it refuses, and equal in the end; nothing of it is left."""
    async with chat_in(lab.target, "optimism") as chat:
        found = await measure_optimism(chat, writes=10)
        assert isinstance(found, Optimism), found
        assert (len(found.shown_ms), len(found.settled_ms), len(found.taken_back_ms)) == (10, 8, 2)
        assert found.is_equal
        assert max(found.shown_ms) < max(found.settled_ms)
        assert "equal" in found._repr_html_()
        assert chat.database_url is not None
        async with await psycopg.AsyncConnection.connect(chat.database_url) as connection:
            left = await connection.execute(
                "select to_regclass('optimism.done_writes'), to_regclass('optimism.change_log')"
            )
            assert await left.fetchone() == (None, None)


@pytest.mark.parametrize("others", [["messages"], ["messages", "events"]])
async def test_optimism_leaves_a_change_log_as_it_was(lab: Lab, others: list[str]) -> None:
    """The tables that were under it are, and no other."""
    async with chat_in(lab.target, "optimism_beside") as chat:
        assert chat.database_url is not None
        async with await psycopg.AsyncConnection.connect(chat.database_url, autocommit=True) as connection:
            await install_change_log(connection, others, schema=chat.schema)
            assert isinstance(await measure_optimism(chat, writes=5), Optimism)
            assert await logged_tables(connection, schema=chat.schema) == sorted(others)
