"""Generates scenes: a table with its policies, grants and publication, who listens to it, and what happens to it."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.diagnosis.arrival.kinds import ALICE, BOB, KEYS, KINDS, Kind, Value, pick

__all__ = ["SETTING", "Binding", "Change", "Column", "Scene", "scenes"]

#: What all scenes share: roles, schemas, and a table that policies look into.
SETTING = """
create role arrival_member nologin;
grant authenticated to arrival_member;
grant arrival_member to postgres;
create schema arrival;
create schema "Ärri""val";
create schema closed;
grant usage on schema arrival, "Ärri""val" to public;
grant usage on schema closed to service_role;
create table arrival.members (user_id uuid primary key, level int);
insert into arrival.members values ('11111111-1111-4111-8111-111111111111', 3);
grant select on arrival.members to authenticated;
create table arrival.marker (id int primary key, n int);
insert into arrival.marker values (1, 0);
grant select on arrival.marker to public;
alter publication supabase_realtime add table arrival.marker;
create function closed.is_alice() returns boolean language sql stable as
    $$ select auth.uid() = '11111111-1111-4111-8111-111111111111' $$;
"""
ROLES = ("anon", "authenticated", "service_role", "arrival_member")
LISTED = 0.06
OPERATORS = ("eq", "neq", "lt", "lte", "gt", "gte", "in", "like", "ilike", "is", "match", "imatch", "isdistinct")


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind

    @property
    def quoted(self) -> str:
        return quoted(self.name)


@dataclass(frozen=True, slots=True)
class Binding:
    """Of one subscription: what it listens to."""

    event: str
    filter: str | None
    select: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Change:
    """One write, and what is told of it to whoever asks whether it would arrive.

    `written` must be called when the write has succeeded, so that the scene knows its rows.
    """

    event: str
    statement: str
    values: tuple[str | None, ...]
    row: dict[str, Any] | None
    old_row: dict[str, Any] | None
    written: Callable[[], None]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def scenes(seed: int, cases: int) -> Iterator[Scene]:
    """Scenes with as many changes in all; the same for the same seed."""
    rng, number = random.Random(seed), 0
    while cases > 0:
        scene = Scene(rng, number)
        number += 1
        yield scene
        cases -= scene.cases


class Scene:
    """One table, its listener, and what happens.

    Attributes:
        make: statements that create it, with two rows.
        unmake: the statement that removes it.
        role, claims: of the listener.
        operations: what the publication sends meanwhile.
        acts: bindings, each with the number of changes that follow while it listens.
    """

    def __init__(self, rng: random.Random, number: int) -> None:
        self.rng, self.number = rng, number
        self.role = rng.choices(ROLES, (3, 6, 1, 2))[0]
        self.claims = self._claims(self.role)
        self.schema = rng.choices(("arrival", 'Ärri"val', "closed"), (8, 2, 1))[0]
        self.table = rng.choice(("t{}", "u_{}", 'We"ird {}', "select{}", "Ünï{}")).format(number)
        self.operations: tuple[str, ...] = ("insert", "update", "delete")
        if self.chance(0.1):
            self.operations = tuple(rng.sample(self.operations, rng.choice((1, 2))))
        self.keys = self._keys()
        self.identity = self._identity()
        self.columns = self.keys + self._columns()
        computed = [Column("computed", Kind("int4", (), ("4", "0")))] if self.chance(0.1) else []
        self.shown = self.columns + computed
        self.counter = 0
        self.rows: list[dict[str, Value]] = []
        self.make = [*self._table(), *self._security(), *self._grants(), *self._seed(), *self._publication()]
        self.unmake = f"drop table if exists {self.quoted} cascade"
        self.acts = [(self._binding(), rng.choice((3, 4, 5))) for _ in range(rng.choice((1, 2, 3)))]

    @property
    def quoted(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.table)}"

    @property
    def cases(self) -> int:
        return sum(count for _, count in self.acts)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def change(self) -> Change:
        """The next write. Rows are found by their key, or by the column `alt` of a table without one."""
        event = self.rng.choice(("INSERT", "UPDATE", "DELETE")) if self.rows else "INSERT"
        if event == "INSERT":
            return self._insert()
        row = self.rng.choice(self.rows)
        return self._update(row) if event == "UPDATE" else self._delete(row)

    # the table

    def _keys(self) -> list[Column]:
        count = self.rng.choices((0, 1, 2), (1, 9, 3))[0]
        names = self.rng.sample(("id", "Id", "k ey", "schlüssel"), count)
        kinds = self.rng.choices(tuple(KEYS), (8, 3, 3, 3, 1, 1, 1, 1), k=count)
        return [Column(name, Kind(kind, (), ())) for name, kind in zip(names, kinds, strict=True)]

    def _columns(self) -> list[Column]:
        kinds = self.rng.sample(KINDS, self.rng.randint(1, 5))
        names = ("c{}", "Col {}", "größe{}", 'q"{}', "long_name_of_a_column_{}")
        made = [Column(self.rng.choice(names).format(number), kind) for number, kind in enumerate(kinds)]
        owner = Kind("uuid", (Value(ALICE, ALICE), Value(BOB, BOB)), (ALICE, BOB))
        body = Kind("text", (Value("note", "note"), Value("5", "5")), ("note", "n%", "5"))
        alt = [Column("alt", Kind("int8", (), ("1", "2")))] if self.identity == "index" or not self.keys else []
        return [*made, Column("owner", owner), Column("body", body), *alt]

    def _identity(self) -> str:
        if not self.keys:
            return self.rng.choices(("default", "full", "nothing"), (2, 3, 1))[0]
        return self.rng.choices(("default", "full", "nothing", "index"), (8, 6, 1, 1))[0]

    def _table(self) -> Iterator[str]:
        columns = [f"{column.quoted} {column.kind.sql}" for column in self.columns]
        if self.shown != self.columns:
            columns.append("computed int4 generated always as (length(body)) stored")
        if self.keys:
            columns.append(f"primary key ({', '.join(column.quoted for column in self.keys)})")
        yield f"create table {self.quoted} ({', '.join(columns)})"
        yield f"alter table {self.quoted} alter column body set storage external"
        if self.identity == "index":
            index = f"index{self.number}"
            yield f"alter table {self.quoted} alter column alt set not null"
            yield f"create unique index {index} on {self.quoted} (alt)"
            yield f"alter table {self.quoted} replica identity using index {index}"
        elif self.identity != "default":
            yield f"alter table {self.quoted} replica identity {self.identity}"

    def _grants(self) -> Iterator[str]:
        if self.chance(0.75):
            yield f"grant select on {self.quoted} to anon, authenticated, service_role"
        elif self.chance(0.9):
            shown = self.rng.sample(self.shown, self.rng.randint(1, len(self.shown)))
            keys = self.keys if self.chance(0.7) else []
            names = ", ".join(dict.fromkeys(column.quoted for column in [*keys, *shown]))
            yield f"grant select ({names}) on {self.quoted} to anon, authenticated, service_role"

    def _publication(self) -> Iterator[str]:
        if self.chance(0.95):
            yield f"alter publication supabase_realtime add table {self.quoted}{self._listing()}"

    def _listing(self) -> str:
        """A column list and a row filter, which the genuine server does not heed."""
        listing = ""
        if self.chance(LISTED) and self.keys:
            some = self.rng.sample(self.columns, self.rng.randint(1, len(self.columns)))
            keys = self.keys if self.chance(0.8) else []
            listing += f" ({', '.join(dict.fromkeys(column.quoted for column in [*keys, *some]))})"
        if self.chance(LISTED):
            listing += f" where (owner = '{ALICE}')"
        return listing

    # who may see it

    def _claims(self, role: str) -> dict[str, Any]:
        claims: dict[str, Any] = {"role": role}
        if self.chance(0.8):
            claims["sub"] = self.rng.choices((ALICE, BOB, "no uuid"), (6, 3, 1))[0]
        if self.chance(0.5):
            claims["level"] = self.rng.choice((1, 5, "7", "x", None))
        if self.chance(0.3):
            claims["app_metadata"] = {"org": self.rng.choice(("note", "5", "é"))}
        return claims

    def _security(self) -> Iterator[str]:
        if not self.chance(0.6):
            return
        yield f"alter table {self.quoted} enable row level security"
        if self.chance(0.1):
            yield f"alter table {self.quoted} force row level security"
        # Where a claim can make one policy fail, what else PostgreSQL asks depends on its plan.
        certain = self.claims.get("sub") != "no uuid" and self.claims.get("level") != "x"
        for number in range(self.rng.choices((0, 1, 2, 3), (1, 6, 3, 2))[0] if certain else 1):
            yield self._policy(number, restrictive=certain and self.chance(0.2))

    def _policy(self, number: int, *, restrictive: bool) -> str:
        kind = "restrictive" if restrictive else "permissive"
        command = self.rng.choices(("select", "all", "insert"), (6, 4, 1))[0]
        roles = self.rng.choices(("public", "authenticated", "anon", "arrival_member, service_role"), (4, 6, 2, 1))[0]
        clause = f"with check ({self._expression()})" if command == "insert" else f"using ({self._expression()})"
        return f'create policy "p{number}" on {self.quoted} as {kind} for {command} to {roles} {clause}'

    def _expression(self) -> str:
        return self.rng.choice(
            (
                "true",
                "owner = auth.uid()",
                "owner = (select auth.uid())",
                "body = 'note'",
                "body is null or body <> 'note'",
                "body = (auth.jwt() -> 'app_metadata' ->> 'org')",
                "(auth.jwt() ->> 'level')::int > 2",
                "(auth.jwt() ->> 'level')::int > 2 and owner is not null",
                "owner in (select user_id from arrival.members)",
                "exists (select from arrival.members m where m.user_id = auth.uid() and m.level > 2)",
                "auth.role() = 'authenticated'",
                "current_user <> 'anon'",
                "closed.is_alice()",
                "coalesce(length(body), 0) < 10",
                "null::boolean",
            )
        )

    # what is listened to

    def _binding(self) -> Binding:
        event = self.rng.choices(("*", "INSERT", "UPDATE", "DELETE", "update"), (8, 2, 2, 2, 1))[0]
        select = None
        if self.chance(0.2):
            names = [column.name for column in self.shown] + (["nosuch"] if self.chance(0.1) else [])
            select = tuple(self.rng.sample(names, self.rng.randint(1, min(3, len(names)))))
        return Binding(event, self._filter(), select)

    def _filter(self) -> str | None:
        count = self.rng.choices((0, 1, 2), (4, 5, 2))[0]
        if not count:
            return None
        return ",".join(self._condition() for _ in range(count))

    def _condition(self) -> str:
        columns = self.shown if self.chance(0.97) else [Column("nosuch", self.columns[-1].kind)]
        column = self.rng.choice(columns)
        negation = "not." if self.chance(0.2) else ""
        text = "text" in column.kind.sql
        weights = [3 if name in ("eq", "in", "neq") else 1 for name in OPERATORS]
        operator = self.rng.choices(OPERATORS, weights)[0]
        if operator in ("like", "ilike", "match", "imatch") and not text and self.chance(0.8):
            operator = "eq"
        return f"{column.name}={negation}{operator}.{self._literal(column, operator)}"

    def _literal(self, column: Column, operator: str) -> str:
        literals = list(column.kind.literals) or [self._key(column).sql or ""]
        if operator == "is":
            return self.rng.choice(("null", "null", "null", "true", "unknown", "nothing"))
        if operator == "in":
            items = [self._item(self.rng.choice(literals)) for _ in range(self.rng.randint(0, 3))]
            return f"({','.join(items)})"
        literal = self.rng.choice(literals)
        return f'"{_escaped(literal)}"' if set(',"()\\') & set(literal) and self.chance(0.9) else literal

    def _item(self, literal: str) -> str:
        return f'"{_escaped(literal)}"' if set(',"\\{} ') & set(literal) or not literal else literal

    # what happens

    def _key(self, column: Column) -> Value:
        if column.name == "alt":
            return KEYS["int8"](self.rng.randint(1, max(1, self.counter)))
        return KEYS[column.kind.sql](self.rng.randint(1, max(1, self.counter)))

    def _new(self) -> dict[str, Value]:
        self.counter += 1
        row = {}
        for column in self.columns:
            if column in self.keys or column.name == "alt":
                row[column.name] = KEYS[column.kind.sql](self.counter)
            elif column.name == "body" and self.chance(0.08):
                row[column.name] = self._large()
            else:
                row[column.name] = pick(self.rng, column.kind)
        return row

    def _large(self) -> Value:
        """Stored apart from the row; now and then larger than what is sent whole."""
        random_text = "".join(self.rng.choices(string.ascii_letters, k=6000))
        text = "x" * 1_200_000 if self.chance(0.12) else random_text
        return Value(text, text)

    def _seed(self) -> Iterator[str]:
        for _ in range(2):
            row = self._new()
            self.rows.append(row)
            names = ", ".join(column.quoted for column in self.columns)
            values = ", ".join(f"{_literal(row[column.name].sql)}::text::{column.kind.sql}" for column in self.columns)
            yield f"insert into {self.quoted} ({names}) values ({values})"

    def _insert(self) -> Change:
        row = self._new()
        names = ", ".join(column.quoted for column in self.columns)
        casts = ", ".join(f"%s::text::{column.kind.sql}" for column in self.columns)
        values = tuple(row[column.name].sql for column in self.columns)
        given = {name: value.json for name, value in row.items() if value.sql is not None or self.chance(0.5)}
        statement = f"insert into {self.quoted} ({names}) values ({casts})"
        return Change("INSERT", statement, values, given, None, lambda: self.rows.append(row))

    def _update(self, row: dict[str, Value]) -> Change:
        free = [column for column in self.columns if column not in self.keys and column.name != "alt"]
        sets = self.rng.sample(free, self.rng.randint(1, min(2, len(free))))
        new = {column.name: pick(self.rng, column.kind) for column in sets}
        moved = bool(self.keys) and self.chance(0.15)
        if moved:
            self.counter += 1
            new |= {column.name: KEYS[column.kind.sql](self.counter) for column in self.keys}
        types = {column.name: column.kind.sql for column in self.columns}
        assigned = ", ".join(f"{quoted(name)} = %s::text::{types[name]}" for name in new)
        where, found_by = self._where(row)
        values = (*(value.sql for value in new.values()), *found_by)
        old = {column.name: row[column.name].json for column in (self.keys or self.columns)}
        told = {name: value.json for name, value in new.items()}
        by_key = bool(self.keys) and not moved
        return Change(
            "UPDATE",
            f"update {self.quoted} set {assigned} where {where}",
            values,
            {**old, **told} if by_key else told,
            None if by_key else old,
            lambda: row.update(new),
        )

    def _delete(self, row: dict[str, Value]) -> Change:
        where, found_by = self._where(row)
        told = {column.name: row[column.name].json for column in (self.keys or self.columns)}
        statement = f"delete from {self.quoted} where {where}"
        return Change("DELETE", statement, found_by, told, None, lambda: self.rows.remove(row))

    def _where(self, row: dict[str, Value]) -> tuple[str, tuple[str | None, ...]]:
        columns = self.keys or [column for column in self.columns if column.name == "alt"]
        parts = [f"{column.quoted} = %s::text::{column.kind.sql}" for column in columns]
        return " and ".join(parts), tuple(row[column.name].sql for column in columns)


def _escaped(literal: str) -> str:
    return literal.replace("\\", "\\\\").replace('"', '\\"')


def _literal(value: str | None) -> str:
    return "null" if value is None else "'" + value.replace("'", "''") + "'"
