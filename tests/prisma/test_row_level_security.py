"""The policies of the migrations, asked as the API asks: as a role, with a user's claims."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from helpers.prisma import SEED_ROOM, SEED_USERS
from helpers.target import Target

ADA, BEN, EVA = SEED_USERS["ada"], SEED_USERS["ben"], SEED_USERS["eva"]
STRANGER = "99999999-0000-4000-8000-000000000099"
MODERATORS = 126  # a closed room of ada and ben


@contextmanager
def acting(target: Target, role: str, user: str | None = None) -> Iterator[psycopg.Connection]:
    """A transaction as that role and user, undone at the end."""
    assert target.database_url
    with psycopg.connect(target.database_url) as connection:
        connection.execute(f'set local search_path to "{target.schema}"')
        connection.execute(
            "select set_config('request.jwt.claims', %s, true)", [json.dumps({"sub": user, "role": role})]
        )
        connection.execute(f"set local role {role}")
        yield connection
        connection.rollback()


def count(connection: psycopg.Connection, table: str, where: str = "true") -> int:
    [(found,)] = connection.execute(f"select count(*) from {table} where {where}").fetchall()
    return int(found)


def test_members_read_their_rooms_and_no_others(chat: Target) -> None:
    """eva is in rooms 123 and 124, and not among the moderators."""
    with acting(chat, "service_role") as server:
        expected = count(server, "messages", "room_id in (123, 124)")
        assert count(server, "messages", f"room_id = {MODERATORS}") > 0
    with acting(chat, "authenticated", EVA) as eva:
        assert count(eva, "messages") == expected
        assert count(eva, "messages", f"room_id = {MODERATORS}") == 0
        assert count(eva, "members", f"room_id = {SEED_ROOM}") == 5


def test_a_stranger_sees_open_rooms_and_nothing_in_them(chat: Target) -> None:
    """Signed in, but a member of nothing."""
    with acting(chat, "authenticated", STRANGER) as stranger:
        assert count(stranger, "rooms") == 3
        assert (count(stranger, "messages"), count(stranger, "members")) == (0, 0)


def test_the_anonymous_role_reads_events_only(chat: Target) -> None:
    """Everything else is not granted, rather than empty."""
    with acting(chat, "anon") as anon:
        assert count(anon, "events") >= 0
    for table in ("rooms", "members", "messages", "mirrored_messages"):
        with acting(chat, "anon") as anon, pytest.raises(psycopg.errors.InsufficientPrivilege):
            count(anon, table)


def test_joining_an_open_room_opens_its_messages(chat: Target) -> None:
    """One may join oneself, as a member, where the room is open."""
    join = "insert into members (room_id, user_id, role) values (%s, %s, %s::member_role)"
    with acting(chat, "authenticated", STRANGER) as stranger:
        stranger.execute(join, [SEED_ROOM, STRANGER, "member"])
        assert count(stranger, "messages") > 0
    for room, user, role in (
        (MODERATORS, STRANGER, "member"),
        (SEED_ROOM, STRANGER, "owner"),
        (SEED_ROOM, EVA, "member"),
    ):
        with acting(chat, "authenticated", STRANGER) as stranger, pytest.raises(psycopg.errors.InsufficientPrivilege):
            stranger.execute(join, [room, user, role])


def test_members_write_as_themselves_in_their_rooms(chat: Target) -> None:
    """Neither for others nor elsewhere."""
    write = "insert into messages (room_id, author, body) values (%s, %s, 'x') returning id"
    with acting(chat, "authenticated", EVA) as eva:
        assert eva.execute(write, [SEED_ROOM, EVA]).fetchone()
    for room, author in ((MODERATORS, EVA), (SEED_ROOM, ADA)):
        with acting(chat, "authenticated", EVA) as eva, pytest.raises(psycopg.errors.InsufficientPrivilege):
            eva.execute(write, [room, author])


def test_only_authors_change_and_delete(chat: Target) -> None:
    """ben's statements pass over ada's messages."""
    with acting(chat, "authenticated", BEN) as ben:
        assert ben.execute("update messages set body = 'x' where author = %s", [ADA]).rowcount == 0
        assert ben.execute("delete from messages where author = %s", [ADA]).rowcount == 0
        assert ben.execute("update messages set body = 'x' where author = %s", [BEN]).rowcount > 0


def test_reading_messages_asks_once_who_it_is(chat: Target) -> None:
    """The plan looks the rooms up once and finds messages by an index on room_id, however many there are."""
    with acting(chat, "authenticated", EVA) as eva:
        eva.execute("set local enable_seqscan = off")
        lines = eva.execute(f"explain select * from messages where room_id = {SEED_ROOM}").fetchall()
    plan = "\n".join(line for (line,) in lines)
    assert "hashed SubPlan" in plan
    assert "messages_room_id_id_idx" in plan
