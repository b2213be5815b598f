"""What SQL leaves behind, read without a database."""

from __future__ import annotations

import pytest

from helpers.review.database.facts import DatabaseFacts, TableFacts
from helpers.review.database.state import Database
from helpers.review.database.statements import apply_sql


def read(*files: str) -> DatabaseFacts:
    """The facts after these migrations."""
    database = Database()
    for number, text in enumerate(files):
        apply_sql(database, text, f"{number}.sql")
    return database.facts()


def table(text: str, name: str = "t") -> TableFacts:
    found = read(text).table(name)
    assert found is not None
    return found


def test_a_table_has_its_columns_where_they_stand() -> None:
    """Each column has its type, whether it may be null, and its line and column."""
    found = table(
        "-- first\ncreate table t (\n  id bigint primary key, -- the key\n  body text not null default 'a,b'\n);"
    )
    assert [(each.name, each.type, each.nullable) for each in found.columns] == [
        ("id", "bigint", False),
        ("body", "text", False),
    ]
    assert [str(each.place) for each in found.columns] == ["0.sql:3:3", "0.sql:4:3"]
    assert (str(found.place), found.primary_key, found.whole) == ("0.sql:2:1", ("id",), True)


@pytest.mark.parametrize(
    ("written", "type_name"),
    [
        ("int8", "bigint"),
        ("timestamp(3) with time zone", "timestamptz"),
        ("varchar(10)[]", "character varying[]"),
        ("numeric(10, 2)", "numeric"),
        ('public."Mood"', "Mood"),
        ("extensions.vector(1536)", "vector"),
        ("double  precision", "double precision"),
        ("text array", "text[]"),
    ],
)
def test_types_have_their_usual_names(written: str, type_name: str) -> None:
    """Aliases, lengths and schemas of types make no difference."""
    column = table(f"create table t (c {written} not null)").column("c")
    assert column is not None and (column.type, column.nullable) == (type_name, False)


def test_a_select_or_a_parent_leaves_columns_unknown() -> None:
    """A table that is made of something else is not known whole."""
    assert not table("create table t as select 1").whole
    assert not table("create table t (id int) inherits (parent)").whole
    assert not table("create table t (like elsewhere, id int)").whole


def test_what_is_dropped_is_gone() -> None:
    """Policies, columns, publications and tables can be taken back by a later migration."""
    first = """create table t (id int primary key, a text, b text unique); create table u (id int);
    create policy p on t using (true); alter publication supabase_realtime add table t, u;"""
    after = "drop policy p on t; alter table t drop column b; drop table u; alter table t drop constraint t_pkey;"
    found = read(first, after)
    t = found.table("t")
    assert t is not None and found.table("u") is None
    assert (t.policies, t.primary_key, t.indexes, [each.name for each in t.columns]) == ((), (), (), ["id", "a"])
    assert [each.table for each in found.publications[0].tables] == ["t"]


def test_renames_reach_everything_that_named_the_old() -> None:
    """Keys, indexes, policies and publications follow a table and a column that are renamed."""
    found = read(
        """create table a (id int primary key, owner uuid); create index on a (owner);
        create policy p on a using (owner = auth.uid() and 'owner' <> '');
        alter publication supabase_realtime add table a (id, owner);
        alter table a rename owner to author; alter table a rename to b;"""
    )
    b = found.table("b")
    assert b is not None and found.table("a") is None
    assert (b.indexes, b.policies[0].using, b.policies[0].table) == (
        (("id",), ("author",)),
        "author = auth.uid() and 'owner' <> ''",
        "b",
    )
    assert (found.publications[0].tables[0].table, found.publications[0].tables[0].columns) == ("b", ("id", "author"))


def test_a_table_is_unpublished_only_if_the_files_would_show_it() -> None:
    """Nothing is said where no SQL publishes, where the table was made by hand, or where it does not show which are."""
    create = "create table t (id int);"
    assert table(create).published is None
    assert table(create + "alter publication supabase_realtime add table other").published is False
    assert (
        table("alter table t replica identity full; alter publication supabase_realtime add table o").published is None
    )
    loop = "do $$ begin execute format('alter publication supabase_realtime add table %I', some_name()); end $$;"
    assert table("create table t (id int);" + loop.replace("some_name()", "x")).published is None
    assert table(create + "create publication supabase_realtime for all tables;").published is True
    assert table(create + "create publication supabase_realtime for tables in schema public").published is True


def test_blocks_are_read_through_their_conditions() -> None:
    """A DO block that asks first, or catches what is there already, does what stands in it."""
    found = table(
        """create table t (id int);
        do $$ begin
          if not exists (select 1 from pg_policies where policyname = 'p;') then
            create policy p on t for select using (true);
          end if;
          alter publication supabase_realtime add table t;
        exception when duplicate_object then null;
        end $$;"""
    )
    assert (found.published, [str(each.place) for each in found.policies]) == (True, ["0.sql:4:1"])


def test_a_block_over_the_catalogs_reaches_the_tables_known_so_far() -> None:
    """`for … in select tablename from pg_tables loop execute format(…)` is done for each table."""
    found = read(
        """create table a (id int); create table b (id int);
        do $$ declare r record; begin
          for r in select tablename from pg_tables where schemaname = 'public' loop
            execute format('alter table public.%I enable row level security', r.tablename);
          end loop;
        end $$;
        create table c (id int);"""
    )
    assert [(each.name, each.row_security) for each in found.tables] == [("a", True), ("b", True), ("c", False)]


def test_policies_on_supabases_own_tables_stand_apart() -> None:
    """A policy on realtime.messages makes no table of the application."""
    found = read('create policy "listen" on realtime.messages for select to authenticated using (true);')
    assert found.tables == ()
    assert [(each.schema, each.table, each.command) for each in found.policies] == [("realtime", "messages", "SELECT")]


def test_triggers_that_broadcast_are_told_even_if_the_function_comes_later() -> None:
    """What a trigger's function calls is looked up at the end."""
    found = table(
        """create table t (id int);
        create trigger tell after insert or delete on t for each row execute function public.tell();
        create function tell() returns trigger language plpgsql as $$
        begin perform realtime.send('{}', 'e', 't'); end $$;"""
    )
    (trigger,) = found.triggers
    assert (trigger.events, trigger.function, trigger.broadcasts) == (("INSERT", "DELETE"), "public.tell", True)


def test_what_is_no_statement_is_passed_over() -> None:
    """psql's commands, rows of COPY, other dialects and halves of statements are counted, not refused."""
    found = read(
        """\\connect app
        \\set x 'unclosed
        copy t (a, b) from stdin;
1\tit's; create table no (id int);
\\.
        create table `mysql` (`id` int);
        create table ok (id int);
        create table cut (id int, """
    )
    assert [each.name for each in found.tables] == ["ok", "cut"]
    cut = found.table("cut")
    assert cut is not None and not cut.whole
    assert (found.statements, found.passed_over) == (4, 2)


@pytest.mark.parametrize(
    "text", ["", ";;;", "'", "$$", "/*", "create policy on", "alter table", "do $$ begin", "do '", "("]
)
def test_torn_text_is_no_error(text: str) -> None:
    """Whatever a file holds, reading it ends."""
    assert read(text).tables == ()
