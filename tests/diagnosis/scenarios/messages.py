"""Scenarios of realtime.messages, and of triggers that broadcast."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from helpers.diagnosis.results import Status
from tests.diagnosis.scenarios.breaking import Breaks, as_superuser, sql
from tests.diagnosis.scenarios.scenario import Scenario, look_at_catalogs
from tests.diagnosis.scenarios.ward import TABLE, Ward

__all__ = ["SCENARIOS"]

CHAT = TABLE.quoted
#: Whatever policy a scenario or a fix has made.
NO_POLICY = """
do $$ declare name text; begin
  for name in select policyname from pg_policies where schemaname = 'realtime' and tablename = 'messages' loop
    execute format('drop policy %I on realtime.messages', name);
  end loop;
end $$"""
MAY_READ = """
create policy reads on realtime.messages for select to authenticated using ((select realtime.topic()) like 'room:%');
"""
MAY_WRITE = """
create policy writes on realtime.messages for insert to authenticated
  with check ((select realtime.topic()) like 'room:%');
"""


def trigger(rights: str, each: str, then: str = "") -> str:
    rows = "new, old" if each == "row" else "null, null"
    return f"""
create function clinic.told() returns trigger language plpgsql {rights} as $$
begin
  perform realtime.broadcast_changes(
    'room:' || tg_op, tg_op, tg_op, tg_table_name, tg_table_schema, {rows}); return null;
end $$;
create trigger told after insert or update on {CHAT} for each {each} execute function clinic.told();
{then}"""


def without_partition(days_ahead: int) -> Breaks:
    async def breaks(ward: Ward) -> None:
        day = datetime.now(UTC) + timedelta(days=days_ahead)
        await ward.superuser(f"drop table realtime.messages_{day:%Y_%m_%d}")

    return breaks


DEFINER = "security definer set search_path = ''"
SCENARIOS = (
    Scenario("private_channels", "no policy", sql("", NO_POLICY), look_at_catalogs, status=Status.NOTE),
    Scenario(
        "topics_readable", "a policy to send alone", sql(MAY_WRITE, NO_POLICY), look_at_catalogs, status=Status.WARNING
    ),
    Scenario(
        "topics_writable", "a policy to read alone", sql(MAY_READ, NO_POLICY), look_at_catalogs, status=Status.NOTE
    ),
    Scenario(
        "topics_compared",
        "a policy that is always true",
        sql("create policy everything on realtime.messages to authenticated using (true) with check (true)", NO_POLICY),
        look_at_catalogs,
        status=Status.NOTE,
    ),
    Scenario(
        "messages_secured",
        "row-level security off",
        as_superuser(
            "alter table realtime.messages disable row level security",
            "alter table realtime.messages enable row level security",
        ),
        look_at_catalogs,
    ),
    Scenario(
        "messages_granted",
        "grants revoked",
        as_superuser(
            "revoke select on realtime.messages from authenticated",
            "grant select on realtime.messages to authenticated",
        ),
        look_at_catalogs,
        status=Status.WARNING,
    ),
    Scenario("messages_partitions", "none for today", without_partition(0), look_at_catalogs),
    Scenario("messages_partitions", "none for tomorrow", without_partition(1), look_at_catalogs, status=Status.WARNING),
    Scenario(
        "broadcast_each_row",
        "a trigger for each statement",
        sql(trigger(DEFINER, "statement", MAY_READ), NO_POLICY),
        look_at_catalogs,
    ),
    Scenario(
        "broadcast_as_owner",
        "a trigger with the writer's rights",
        sql(trigger("", "row", f"{MAY_READ} grant insert on {CHAT} to authenticated"), NO_POLICY),
        look_at_catalogs,
        status=Status.WARNING,
    ),
    Scenario(
        "broadcast_received",
        "a topic that nobody may join",
        sql(trigger(DEFINER, "row"), NO_POLICY),
        look_at_catalogs,
        status=Status.WARNING,
    ),
    Scenario(
        "broadcast_once",
        "published and broadcast",
        sql(trigger(DEFINER, "row", MAY_READ), NO_POLICY),
        look_at_catalogs,
        status=Status.NOTE,
    ),
)
