"""Schemas and migrations, read to what the database looks like in the end."""

from __future__ import annotations

import pytest

from helpers.review.database.facts import DatabaseFacts, TableFacts
from helpers.review.database.reading import database_of

TABLE = "create table public.messages (id bigint primary key, room_id bigint not null, body text);\n"


def facts(sql: str = "", prisma: str = "") -> DatabaseFacts:
    database, unread = database_of({"supabase/migrations/1_a.sql": sql, "prisma/schema.prisma": prisma})
    assert unread == ()
    return database


def messages(sql: str = "", prisma: str = "") -> TableFacts:
    table = facts(sql, prisma).table("messages")
    assert table is not None
    return table


def test_a_table_has_columns_types_and_keys() -> None:
    """As PostgreSQL calls them, whatever the migration calls them."""
    table = messages(
        'CREATE TABLE IF NOT EXISTS "messages" ("id" BIGSERIAL NOT NULL, tags TEXT[], at timestamp with time zone '
        "DEFAULT now() CHECK (at > '2020-01-01, (x)'), price decimal(10,2) unique, "
        'CONSTRAINT "messages_pkey" PRIMARY KEY ("id"), foreign key (id) references other (id));'
    )
    assert [(each.name, each.type) for each in table.columns] == [
        ("id", "bigint"),
        ("tags", "text[]"),
        ("at", "timestamptz"),
        ("price", "numeric"),
    ]
    assert (table.primary_key, table.indexes, table.whole) == (("id",), (("id",), ("price",)), True)
    assert (table.identity, table.row_security, table.published) == ("default", False, None)


@pytest.mark.parametrize(
    ("sql", "attribute", "value"),
    [
        ("alter table messages enable row level security;", "row_security", True),
        ("alter table messages enable row level security, disable row level security;", "row_security", False),
        ("alter table only public.messages replica identity full;", "identity", "full"),
        ("alter table messages replica identity using index messages_key;", "identity", "index"),
        ("create index on messages using btree (room_id desc, lower(body));", "indexes", (("id",), ("room_id", ""))),
        ("create index part on messages (room_id) where body is null;", "indexes", (("id",),)),
        ("create unique index u on messages (room_id); drop index public.u;", "indexes", (("id",),)),
        ("alter table messages drop constraint messages_pkey;", "primary_key", ()),
        ("alter publication supabase_realtime add table public.messages, rooms;", "published", True),
        ("alter publication supabase_realtime add table rooms;", "published", False),
        ("create publication supabase_realtime for all tables;", "published", True),
        ("create publication supabase_realtime for tables in schema public;", "published", True),
        ("create publication other for table messages;", "published", None),
        ("create publication supabase_realtime;", "published", None),
        (
            "alter publication supabase_realtime add table messages; alter publication supabase_realtime drop table "
            "messages;",
            "published",
            False,
        ),
        (
            "do $$ begin if not exists (select 1 from pg_publication_tables) then\n  alter publication "
            "supabase_realtime add table public.messages;\nend if; end $$;",
            "published",
            True,
        ),
        (
            "do $$ declare t text; begin foreach t in array array['messages'] loop execute format('alter publication "
            "supabase_realtime add table %I', t); end loop; end $$;",
            "published",
            True,
        ),
    ],
)
def test_statements_leave_their_mark(sql: str, attribute: str, value: object) -> None:
    """Each of them, also in a block, says something about the table."""
    assert getattr(messages(TABLE + sql), attribute) == value


def test_columns_come_go_and_change() -> None:
    """What the last migration leaves is what counts."""
    table = messages(
        TABLE + "alter table messages add column if not exists meta jsonb not null, drop column body;\n"
        "alter table messages rename column room_id to room; alter table messages alter column room type uuid using x;"
    )
    assert {each.name: each.type for each in table.columns} == {"id": "bigint", "room": "uuid", "meta": "jsonb"}


def test_a_table_can_be_renamed_and_dropped() -> None:
    """Publication and policies go with the name or with the table."""
    renamed = facts(TABLE + "alter publication supabase_realtime add table messages;alter table messages rename to m;")
    assert [(each.name, each.published) for each in renamed.tables] == [("m", True)]
    assert facts(TABLE + "drop table if exists public.messages cascade;").tables == ()


def test_policies_are_created_altered_and_dropped() -> None:
    """With command, roles, expressions and the line."""
    table = messages(
        TABLE + '-- who reads\ncreate policy "read, (all)" on public.messages as permissive\n  for select to anon, '
        "authenticated\n  using (room_id in (select id from rooms where name = ')'));\n"
        "create policy own on messages with check (true);\nalter policy own on messages using (false);\n"
        "create policy gone on messages using (true);\ndrop policy if exists gone on messages;"
    )
    read, own = table.policies
    assert (read.name, read.command, read.roles) == ("read, (all)", "SELECT", ("anon", "authenticated"))
    assert read.using == "room_id in (select id from rooms where name = ')')"
    assert read.place is not None and read.place.line == 3
    assert (own.command, own.roles, own.using, own.check) == ("ALL", ("public",), "false", "true")


def test_policies_of_foreign_tables_are_kept() -> None:
    """Private channels are decided on a table that no migration creates."""
    (policy,) = facts("create policy hear on realtime.messages for select using (true);").policies
    assert (policy.schema, policy.table, policy.command) == ("realtime", "messages", "SELECT")


PRISMA = """
model Message {
  id     BigInt  @id @default(autoincrement())
  roomId String  @map("room_id") @db.Uuid
  body   String  @db.VarChar(20)
  meta   Json?
  room   Room    @relation(fields: [roomId], references: [id])

  @@index([roomId, body(ops: raw("x"))])
  @@map("messages")
}
model Room {
  id   String @id @db.Uuid
  name String @unique
  messages Message[]
}
"""


def test_a_model_is_a_table_with_names_of_its_own() -> None:
    """Relations are no columns; what SQL alone knows is open."""
    table = messages(prisma=PRISMA)
    assert [(each.name, each.field, each.type) for each in table.columns] == [
        ("id", "id", "bigint"),
        ("room_id", "roomId", "uuid"),
        ("body", "body", "character varying"),
        ("meta", "meta", "jsonb"),
    ]
    assert (table.model, table.primary_key, table.whole) == ("Message", ("id",), True)
    assert ("room_id", "body") in table.indexes
    assert (table.identity, table.row_security, table.published) == (None, None, None)


def test_a_model_lies_over_its_migration() -> None:
    """The migration's types, and the model's names."""
    table = messages(TABLE + "alter table messages replica identity full;", PRISMA)
    assert table.identity == "full"
    assert [(each.name, each.field) for each in table.columns][:2] == [("id", "id"), ("room_id", "roomId")]


def test_a_schema_may_have_several_files() -> None:
    """A relation into another file is no column."""
    two = {
        "prisma/schema/a.prisma": "model A {\n id Int @id\n b B?\n}",
        "prisma/schema/b.prisma": "model B {\n id Int @id\n}",
    }
    database, unread = database_of(two)
    assert (unread, [[each.name for each in table.columns] for table in database.tables]) == ((), [["id"], ["id"]])


def test_what_cannot_be_read_is_told() -> None:
    """One broken schema does not hide the migrations."""
    database, unread = database_of({"schema.prisma": "model A {\n id Int @id\n", "1.sql": TABLE})
    assert [each.path for each in unread] == ["schema.prisma"]
    assert [table.name for table in database.tables] == ["messages"]


def test_migrations_are_read_in_their_order() -> None:
    """By the number of the file or of its folder; what undoes or fills is left out."""
    database, _ = database_of(
        {
            "prisma/migrations/20250102_b/migration.sql": "alter table messages add column later int;",
            "prisma/migrations/20250101_a/migration.sql": TABLE,
            "prisma/migrations/20250103_c/down.sql": "drop table messages;",
            "supabase/seed.sql": "drop table messages;",
        }
    )
    assert [[each.name for each in table.columns] for table in database.tables] == [["id", "room_id", "body", "later"]]


@pytest.mark.parametrize(
    "sql", ["create table", "alter table", "create policy on x", "do $$", "create table t (", "((("]
)
def test_nonsense_is_passed_over(sql: str) -> None:
    """A statement that is cut off or no SQL does no harm."""
    assert isinstance(facts(sql), DatabaseFacts)
