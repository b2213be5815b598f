"""The tables of a soak. A trigger writes each change into a ledger, in the transaction of the change.

So the ledger holds what was committed and nothing else. A row's number in it is drawn while the change is made: for one
connection, and for one row (which is locked until its change is committed), these numbers grow as the commits do.
"""

from __future__ import annotations

__all__ = ["ALICE", "BOB", "ROOMS", "TABLES"]

ALICE, BOB = "a11ce000-0000-4000-8000-000000000001", "b0b00000-0000-4000-8000-000000000002"
ROOMS = 8

#: `open_rows` is for everybody; `own_rows` is under row level security; `private` broadcasts are for `soak:…`.
TABLES = (
    """
    create table open_rows (
        id bigint generated always as identity primary key,
        room int not null, version int not null default 1, body text, meta jsonb, flags text[],
        at timestamptz not null default clock_timestamp()
    );
    alter table open_rows replica identity full;
    insert into open_rows (room, body) select 0, 'shared by all writers' from generate_series(1, 5);
    create table own_rows (
        id bigint generated always as identity primary key,
        owner uuid not null, version int not null default 1, body text,
        at timestamptz not null default clock_timestamp()
    );
    alter table own_rows enable row level security;
    create policy own on own_rows for select to authenticated using (owner = (select auth.uid()));
    grant select on open_rows to anon, authenticated;
    grant select on own_rows to authenticated;
    create table aside (id int primary key);
    alter publication supabase_realtime add table open_rows, own_rows;

    create table ledger (
        number bigint generated always as identity primary key, source int not null default pg_backend_pid(),
        kind text not null, subject text not null, id bigint not null, version int not null, new jsonb, old jsonb
    );
    create function write_down() returns trigger language plpgsql as $$
    begin
        insert into ledger (kind, subject, id, version, new, old) values (
            tg_op, tg_table_name, coalesce(new.id, old.id), coalesce(new.version, 0), to_jsonb(new), to_jsonb(old)
        );
        return null;
    end $$;
    create trigger write_down after insert or update or delete on open_rows for each row execute function write_down();
    create trigger write_down after insert or update or delete on own_rows for each row execute function write_down();

    create function say(topic text, said jsonb) returns void language plpgsql as $$
    declare number bigint;
    begin
        insert into ledger (kind, subject, id, version, new) values ('SEND', topic, 0, 0, said) returning ledger.number
            into number;
        perform realtime.send(said || jsonb_build_object('from', 'sql', 'id', number), 'said', topic);
    end $$;

    create policy soak_read on realtime.messages for select to authenticated using (realtime.topic() like 'soak:%');
    create policy soak_write on realtime.messages for insert to authenticated
        with check (realtime.topic() like 'soak:%');
"""
    ""
)
