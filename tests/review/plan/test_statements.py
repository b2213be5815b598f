"""SQL that a migration can hold."""

from __future__ import annotations

import pytest

from helpers.review.database.facts import ColumnFacts, DatabaseFacts, PolicyFacts, TableFacts
from helpers.review.plan.rewriting.migrations import Migrations
from helpers.review.plan.rewriting.statements import index_sql, missing_indexes, once, policy_sql


@pytest.mark.parametrize(
    ("using", "written"),
    [
        ("user_id = auth.uid()", "user_id = (select auth.uid())"),
        ("user_id = (select auth.uid())", "user_id = (select auth.uid())"),
        ("user_id = ( SELECT auth.uid() AS uid)", "user_id = ( SELECT auth.uid() AS uid)"),
        ("auth.jwt() ->> 'org' = org", "(select auth.jwt()) ->> 'org' = org"),
        (
            "id in (select room from members where member = auth.uid())",
            "id in (select room from members where member = (select auth.uid()))",
        ),
    ],
)
def test_a_call_is_made_once(using: str, written: str) -> None:
    """Each call that stands for itself is put into a select; one that stands in one already is left."""
    assert once(using) == written
    assert once(written) == written


def test_a_policy_is_altered() -> None:
    """Both expressions, names quoted where they must be; nothing where nothing is to be done."""
    policy = PolicyFacts("own rows", "public", "Task", "ALL", ("authenticated",), "a = auth.uid()", "a = auth.uid()")
    assert policy_sql(policy) == (
        'alter policy "own rows" on public."Task" using (a = (select auth.uid())) with check (a = (select auth.uid()));'
    )
    assert policy_sql(PolicyFacts("p", "public", "t", "SELECT", (), "true")) is None


def test_a_column_that_policies_look_up_gets_an_index() -> None:
    """Unless it leads one already, or the primary key."""
    using = "exists (select 1 from members m where m.room_id = messages.room_id and m.user_id = auth.uid())"
    policy = PolicyFacts("p", "public", "messages", "SELECT", (), using)
    messages = TableFacts("public", "messages", policies=(policy,))
    columns = (ColumnFacts("room_id", "bigint"), ColumnFacts("user_id", "uuid"))
    for key, indexes, wanted in (
        (("room_id", "user_id"), (), ["user_id"]),
        (("user_id", "room_id"), (), []),
        (("room_id", "user_id"), (("user_id",),), []),
    ):
        members = TableFacts("public", "members", columns=columns, primary_key=key, indexes=indexes)
        found = list(missing_indexes(messages, DatabaseFacts((messages, members))))
        assert [column for _, column in found] == wanted
    assert index_sql(members, "user_id") == (
        "create index if not exists members_user_id_idx on public.members (user_id);"
    )


@pytest.mark.parametrize(
    ("there", "made"),
    [
        ([], "supabase/migrations/20250101000001_index_a.sql"),
        (["supabase/migrations/20260102030405_init.sql"], "supabase/migrations/20260102030406_index_a.sql"),
        (
            ["db/prisma/migrations/20260102030405_init/migration.sql", "db/prisma/schema.prisma"],
            "db/prisma/migrations/20260102030406_index_a/migration.sql",
        ),
    ],
)
def test_a_migration_comes_after_those_that_there_are(there: list[str], made: str) -> None:
    """In their folder and their form."""
    assert Migrations(there).add("index a", ["select 1;"]).path == made
