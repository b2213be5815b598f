"""Which files are read, in which order, and how schema.prisma and migrations come together."""

from __future__ import annotations

from collections.abc import Mapping

from helpers.review.database.facts import DatabaseFacts
from helpers.review.database.reading import database_of
from helpers.review.inventory import Unread

SCHEMA = """
datasource db { provider = "postgresql"
  url = env("DATABASE_URL") }
enum Kind {
  text
  image
  @@map("message_kind")
}
model Message {
  id     BigInt @id @default(autoincrement())
  roomId BigInt @map("room_id")
  room   Room   @relation(fields: [roomId], references: [id])
  kind   Kind
  sentAt DateTime @map("sent_at") @db.Timestamptz(3)
  tags   String[]
  @@index([roomId, sentAt(sort: Desc)])
  @@map("messages")
}
model Room { id BigInt @id
  slug String? @unique
  messages Message[]
  @@schema("chat") }
"""


def read(files: Mapping[str, str]) -> tuple[DatabaseFacts, tuple[Unread, ...]]:
    return database_of(files)


def test_models_are_tables_by_their_mapped_names() -> None:
    """Columns, types, keys and indexes of models have the database's names, and Prisma's beside them."""
    found, unread = read({"prisma/schema.prisma": SCHEMA})
    messages, room = found.table("messages"), found.table("Room", "chat")
    assert messages is not None and room is not None and unread == ()
    assert [(each.name, each.type, each.field, each.prisma_type) for each in messages.columns] == [
        ("id", "bigint", "id", "BigInt"),
        ("room_id", "bigint", "roomId", "BigInt"),
        ("kind", "message_kind", "kind", "Kind"),
        ("sent_at", "timestamptz", "sentAt", "DateTime"),
        ("tags", "text[]", "tags", "String"),
    ]
    assert (messages.model, messages.primary_key, messages.indexes) == (
        "Message",
        ("id",),
        (("id",), ("room_id", "sent_at")),
    )
    assert (messages.identity, messages.row_security, messages.published, messages.whole) == (None, None, None, True)
    assert (room.indexes, str(room.place)) == ((("id",), ("slug",)), "prisma/schema.prisma:19:1")


def test_a_schema_may_stand_in_several_files() -> None:
    """Relations are told from columns across the files of a folder."""
    head, _, models = SCHEMA.partition("enum")
    first, _, second = models.partition("model Room")
    files = {
        "prisma/schema/main.prisma": head,
        "prisma/schema/models/message.prisma": "enum" + first,
        "prisma/schema/models/room.prisma": "model Room" + second,
    }
    found, unread = read(files)
    messages = found.table("messages")
    assert messages is not None and messages.column("room") is None and messages.column("room_id") is not None
    assert unread == ()


def test_migrations_say_what_is_and_models_how_it_is_called() -> None:
    """Prisma's migrations are applied before Supabase's; models add names to what these made."""
    found, _ = read(
        {
            "supabase/migrations/2020_rls.sql": "alter table messages enable row level security;"
            "alter publication supabase_realtime add table messages;",
            "prisma/migrations/2_more/migration.sql": 'ALTER TABLE "messages" ADD COLUMN "body" TEXT;',
            "prisma/migrations/1_init/migration.sql": "CREATE TABLE messages (id BIGSERIAL PRIMARY KEY, room_id INT);",
            "prisma/schema.prisma": SCHEMA,
        },
    )
    messages = found.table("messages")
    assert messages is not None
    assert (messages.identity, messages.row_security, messages.published) == ("default", True, True)
    column = messages.column("room_id")
    assert column is not None and (column.type, column.field) == ("integer", "roomId")
    assert messages.column("body") is not None and messages.column("sent_at") is not None


def test_sql_aside_of_migrations_drops_nothing_of_theirs() -> None:
    """A script beside the migrations adds what it makes; what undoes or tests is not read."""
    found, _ = read(
        {
            "supabase/migrations/1.sql": "create table a (id int); create table b (id int);",
            "supabase/migrations/1.down.sql": "drop table a;",
            "supabase/tests/a.sql": "create table only_in_a_test (id int);",
            "sql/reset.sql": "drop table b;",
            "sql/setup.sql": "drop table if exists a, c; create table c (id int); drop table c;"
            "create table d (id int);",
        },
    )
    assert sorted(each.name for each in found.tables) == ["a", "b", "d"]


def test_other_databases_are_not_supabases() -> None:
    """Models and migrations for SQLite or MySQL say nothing of what Realtime sees."""
    schema = SCHEMA.replace("postgresql", "sqlite")
    migration = 'CREATE TABLE "Local" ("id" INTEGER PRIMARY KEY);'
    found, _ = read(
        {"apps/a/prisma/schema.prisma": schema, "apps/a/prisma/migrations/1/migration.sql": migration}
        | {"apps/b/prisma/schema.prisma": SCHEMA},
    )
    assert sorted(each.name for each in found.tables) == ["Room", "messages"]
    assert all(each.place is not None and each.place.path.startswith("apps/b/") for each in found.tables)


def test_broken_files_are_told_and_the_others_read() -> None:
    """A schema that is cut off ends up with a reason; line ends of another system make no difference."""
    found, unread = read(
        {
            "prisma/schema.prisma": "model Cut {\n  id Int @id\n",
            "db/dos.sql": "-- first\r\ncreate table dos (\r\n  id int\r\n);",
        },
    )
    assert sorted(each.name for each in found.tables) == ["dos"]
    assert {each.path: each.reason for each in unread} == {
        "prisma/schema.prisma": "prisma/schema.prisma line 1: the block model Cut is never closed",
    }
    dos = found.table("dos")
    assert dos is not None and str(dos.columns[0].place) == "db/dos.sql:3:3"
