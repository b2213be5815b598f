"""What migrations do to publication, replica identity, grants and policies, read from their text and replayed."""

from __future__ import annotations

import pytest

from helpers.diagnosis.evidence import TableName
from helpers.diagnosis.evidence.project import EffectKind, Migration
from helpers.diagnosis.probes.project.migrations import effects_of
from helpers.diagnosis.rules.project import Replay

LOOP = """do $$ declare t text; begin
  for t in select tablename from pg_tables where schemaname = 'public' loop
    execute format('alter publication supabase_realtime add table %I', t);
  end loop;
end $$"""
REALTIME = "alter publication supabase_realtime"

#: A migration's text; what it does, and to which table.
STATEMENTS = [
    ('DROP TABLE IF EXISTS "a", b.c CASCADE;', ["DROP_TABLE a", "DROP_TABLE b.c"]),
    ('DROP SCHEMA "public" CASCADE;', ["DROP_SCHEMA public."]),
    ('alter table only "my ""t""" rename to x', ['RENAME_TABLE my "t"']),
    (f"{REALTIME} add table A, only public.b (id, x) where (id > 1)", ["PUBLISH a", "PUBLISH public.b"]),
    (f"{REALTIME} set table a", ["DROP_PUBLICATION ", "PUBLISH a"]),
    (f"{REALTIME} drop table a", ["UNPUBLISH a"]),
    (f"{REALTIME} set (publish = 'insert')", []),
    ("alter publication other add table a", []),
    ("create publication supabase_realtime for all tables with (publish = 'insert')", ["PUBLISH "]),
    (f"{REALTIME} add tables in schema app", ["PUBLISH app."]),
    ("drop publication if exists supabase_realtime;", ["DROP_PUBLICATION "]),
    ("alter table a replica identity full, alter column b set data type text", ["REPLICA_IDENTITY a", "CHANGE_TYPE a"]),
    ("ALTER TABLE a DROP CONSTRAINT x, DROP COLUMN b;", ["DROP_COLUMN a"]),
    ("alter table a alter b type numeric(10, 2), rename column c to d", ["CHANGE_TYPE a", "RENAME_COLUMN a"]),
    ("grant select on a to authenticated; grant insert on a to anon; grant select on b to postgres", ["GRANT a"]),
    ("grant all on all tables in schema public to anon", ["GRANT public."]),
    ("grant usage on schema public to anon", []),
    ("alter default privileges in schema public grant select on tables to anon", ["GRANT "]),
    ('create policy "p q" on a for select using (true)', ["POLICY a"]),
    ("-- drop table a;\n/* drop table b; */ select 'drop table c;', $$ drop table d; $$, \"drop table e;\"", []),
    (f"do $x$ begin {REALTIME} add table a; end $x$", ["PUBLISH a"]),
    (LOOP, ["PUBLISH "]),
    ("create function f() returns void language sql as $$ drop table a $$", []),
    ("create table a (id int); -- never ends '", ["CREATE_TABLE a"]),
    ("drop table a; select 'never ends", ["DROP_TABLE a"]),
]


@pytest.mark.parametrize(("sql", "expected"), STATEMENTS)
def test_what_a_migration_does_is_read(sql: str, expected: list[str]) -> None:
    """Statements, lists, quotes, comments, and blocks that put statements together at run time."""
    seen = [(effect.kind.name, f"{effect.schema}.{effect.table}".removeprefix(".")) for effect in effects_of(sql)]
    assert [f"{kind} {name}" for kind, name in seen] == expected


def test_an_effect_knows_its_line() -> None:
    """Counted from the file's begin, comments and texts of several lines included."""
    effects = effects_of("-- one\nselect '\n\n';\n\n  drop table a;\ndrop table b")
    assert [effect.line for effect in effects] == [6, 7]


def test_a_table_that_is_made_anew_has_lost_everything() -> None:
    """Dropped and created, or filled anew under another name: what it had is gone until a later statement gives it."""

    def after(sql: str) -> bool:
        replay = Replay("public").run([Migration("1", "1.sql", effects_of(sql))])
        return replay.has(TableName("public", "a"), EffectKind.PUBLISH)

    publish = "alter publication supabase_realtime add table a;"
    assert after(f"create table a (id int); {publish}")
    assert not after(f"create table a (id int); {publish} drop table a; create table a (id int);")
    assert not after(
        f"create table a (id int); {publish} create table new_a (id int); drop table a; alter table new_a rename to a;"
    )
    assert after(f"create table b (id int); {publish.replace(' a;', ' b;')} alter table b rename to a;")
    assert not after(f"{publish} drop schema public cascade; create schema public; create table a (id int);")
    assert after("create publication supabase_realtime for all tables; create table a (id int);")
    assert not after(f"{publish} alter publication supabase_realtime set table b;")
