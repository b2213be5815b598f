"""Scenarios of tables: publication, keys, grants, policies, names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from helpers.diagnosis.results import Status
from tests.diagnosis.scenarios.scenario import Scenario
from tests.diagnosis.scenarios.ward import TABLE, Ward

__all__ = ["SCENARIOS"]

CHAT = TABLE.quoted


def sql(statements: str) -> Callable[[Ward], Awaitable[None]]:
    """Break by these statements."""

    async def breaks(ward: Ward) -> None:
        await ward.sql(statements)

    return breaks


SCENARIOS = (
    Scenario(
        "tables_published",
        "taken out of the publication",
        sql(f"alter publication supabase_realtime drop table {CHAT}"),
    ),
    Scenario("tables_with_primary_key", "no primary key", sql(f"alter table {CHAT} drop column id")),
    Scenario("replica_identity", "replica identity nothing", sql(f"alter table {CHAT} replica identity nothing")),
    Scenario(
        "replica_identity",
        "replica identity default",
        sql(f"alter table {CHAT} replica identity default"),
        status=Status.NOTE,
    ),
    Scenario("select_granted", "no grant on the table", sql(f"revoke all on {CHAT} from authenticated")),
    Scenario("select_granted", "no grant on the schema", sql("revoke all on schema clinic from authenticated")),
    Scenario("rls_with_policy", "row-level security without a policy", sql(f"drop policy own on {CHAT}")),
    Scenario(
        "rls_enabled",
        "row-level security off, and anon may read",
        sql(
            f"alter table {CHAT} disable row level security;"
            f"grant usage on schema clinic to anon; grant select on {CHAT} to anon"
        ),
        status=Status.WARNING,
    ),
    Scenario(
        "policies_wrapped",
        "auth.uid() for each row",
        sql(f"alter policy own on {CHAT} using (user_id = auth.uid())"),
        status=Status.WARNING,
    ),
    Scenario(
        "enum_names",
        "an enum type with capitals",
        sql(f'create type clinic."RoomKind" as enum (\'A\'); alter table {CHAT} add kind clinic."RoomKind"'),
        status=Status.WARNING,
    ),
)
