"""A table of one's own in the shared lab."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from helpers.lab import Lab


@pytest.fixture
def notes(lab: Lab) -> Iterator[str]:
    """The name of a published table whose rows only their owner sees: id, owner, room, body, meta."""
    name = f"notes_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(lab.info["database_url"], autocommit=True) as connection:
        connection.execute(
            f"""
            create table {name} (
              id bigint generated always as identity primary key,
              owner uuid not null default auth.uid(),
              room bigint not null,
              body text not null,
              meta jsonb
            );
            alter table {name} enable row level security;
            create policy own on {name} to authenticated using (owner = auth.uid()) with check (owner = auth.uid());
            grant select, insert, update, delete on {name} to authenticated;
            alter publication supabase_realtime add table {name};
            """.encode()
        )
        yield name
        connection.execute(f"drop table {name}".encode())


@pytest.fixture
def email() -> str:
    """An address that nobody has yet."""
    return f"{uuid.uuid4().hex[:12]}@example.com"
