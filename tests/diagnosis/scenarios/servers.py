"""Scenarios of the server: the way to it, its log, slots, limits and open transactions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace

import psycopg

from helpers.diagnosis.results import Check, Status
from helpers.diagnosis.rules import slots
from tests.diagnosis.scenarios.breaking import Breaks, mended_by_superuser, sql
from tests.diagnosis.scenarios.lone_server import lone_server
from tests.diagnosis.scenarios.scenario import Scenario, look_at_catalogs
from tests.diagnosis.scenarios.ward import HEALTHY, Ward

__all__ = ["SCENARIOS"]

#: A transaction counts as long after this time, as no test waits for a minute.
LONG_S = 0.3
SLOT = "select pg_create_physical_replication_slot('forgotten', true)"
#: Some log, and then the rest of its file of 16 MB.
LOG = "select pg_logical_emit_message(true, 'test', 'x');\nselect pg_switch_wal()"


def lone(settings: Mapping[str, str], statements: str = "select") -> Breaks:
    """A server of the scenario's own, with the ward's table in it."""

    async def breaks(ward: Ward) -> None:
        ward.server = await ward.cleanup.enter_async_context(lone_server(settings))
        ward.target = replace(ward.target, database_url=ward.server.url("postgres"))
        async with await psycopg.AsyncConnection.connect(ward.server.url("postgres"), autocommit=True) as connection:
            await connection.execute(HEALTHY.encode())
        await ward.server.superuser(statements)

    return breaks


async def mend(ward: Ward, check: Check) -> None:
    assert ward.server is not None
    await ward.server.superuser(check.fix)


async def mend_and_restart(ward: Ward, check: Check) -> None:
    await mend(ward, check)
    assert ward.server is not None
    await ward.server.control("restart")


async def use_up_connections(ward: Ward) -> None:
    await lone({"max_connections": "10"})(ward)
    for _ in range(6):
        await _connected(ward, ward.target.database_url or "")


async def use_up_the_roles_connections(ward: Ward) -> None:
    ward.cleanup.push_async_callback(ward.superuser, "drop role visitor")
    await ward.superuser("create role visitor login password 'v' connection limit 1")
    url = str(ward.target.database_url).split("://")[1].split("@")[1]
    await _connected(ward, f"postgresql://visitor:v@{url}")


async def leave_a_transaction_open(ward: Ward) -> None:
    _shorten(ward)
    connection = await _connected(ward, ward.target.database_url or "")
    await connection.execute("begin; select 1")
    await asyncio.sleep(LONG_S * 1.2)


async def forget_a_prepared_transaction(ward: Ward) -> None:
    _shorten(ward)
    await lone(
        {"max_prepared_transactions": "2"}, "create table clinic.notes (id int);\ngrant all on clinic.notes to postgres"
    )(ward)
    connection = await _connected(ward, ward.target.database_url or "")
    await connection.execute("begin; insert into clinic.notes values (1); prepare transaction 'it''s forgotten'")
    await asyncio.sleep(LONG_S * 1.2)


def _shorten(ward: Ward) -> None:
    ward.cleanup.callback(setattr, slots, "LONG_S", slots.LONG_S)
    slots.LONG_S = LONG_S


async def _connected(ward: Ward, url: str) -> psycopg.AsyncConnection:
    connection = await psycopg.AsyncConnection.connect(url, autocommit=True)

    async def close() -> None:
        with contextlib.suppress(psycopg.Error):
            await connection.close()

    ward.cleanup.push_async_callback(close)
    return connection


async def use_a_wrong_password(ward: Ward) -> None:
    ward.target = replace(
        ward.target, database_url=str(ward.target.database_url).replace("://postgres:", "://postgres:x")
    )


async def use_the_right_password(ward: Ward, check: Check) -> None:
    assert "with the password in it" in check.fix
    ward.target = ward.lab.target


async def use_an_ordinary_role(ward: Ward, check: Check) -> None:
    """The fix is a test as the user; a role that obeys policies is what makes it unnecessary."""
    assert "set local role authenticated" in check.fix
    ward.cleanup.push_async_callback(ward.superuser, "drop role visitor")
    await ward.superuser("create role visitor login password 'v'")
    url = str(ward.target.database_url).split("://")[1].split("@")[1]
    ward.target = replace(ward.target, database_url=f"postgresql://visitor:v@{url}")


SCENARIOS = (
    Scenario("database_readable", "a wrong password", use_a_wrong_password, look_at_catalogs, use_the_right_password),
    Scenario("role_obeys_rls", "the tables' owner", sql(""), look_at_catalogs, use_an_ordinary_role, Status.NOTE),
    Scenario("wal_level", "replica", lone({"wal_level": "replica"}), look_at_catalogs, mend_and_restart),
    Scenario(
        "slot_lost",
        "beyond the limit",
        lone({"max_slot_wal_keep_size": "'1MB'"}, f"{SLOT};\n{LOG};\n{LOG};\n{LOG};\ncheckpoint"),
        look_at_catalogs,
        mend,
    ),
    Scenario(
        "slot_lag",
        "a slot that nobody reads",
        lone({"max_slot_wal_keep_size": "'64MB'"}, f"{SLOT};\n{LOG};\n{LOG};\n{LOG}"),
        look_at_catalogs,
        mend,
        Status.WARNING,
    ),
    Scenario("slot_limit", "no limit", lone({"max_slot_wal_keep_size": "-1"}), look_at_catalogs, mend, Status.NOTE),
    Scenario(
        "replication_headroom",
        "the only slot is taken",
        lone({"max_replication_slots": "1"}, SLOT),
        look_at_catalogs,
        mend_and_restart,
    ),
    Scenario("connection_headroom", "all are taken", use_up_connections, look_at_catalogs, mend_and_restart),
    Scenario(
        "role_connections",
        "the role's only one is taken",
        use_up_the_roles_connections,
        look_at_catalogs,
        mended_by_superuser,
    ),
    Scenario(
        "long_transactions", "idle in transaction", leave_a_transaction_open, look_at_catalogs, status=Status.WARNING
    ),
    Scenario(
        "prepared_transactions",
        "nobody commits it",
        forget_a_prepared_transaction,
        look_at_catalogs,
        mend,
        Status.WARNING,
    ),
)
