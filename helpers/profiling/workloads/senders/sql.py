"""Rows, and broadcasts from the database, by SQL: pipelined, each message a transaction of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg import pq, sql

from helpers.database_url import libpq_url, without_password
from helpers.profiling.workloads.orders import WAITING, Prepare, Prepared
from helpers.profiling.workloads.senders.sender import Sender
from helpers.profiling.workloads.workload import Action, Encoding, Route
from helpers.wire.numbered import STAMP

__all__ = ["APPLICATION", "EVENT", "SqlSender"]

CONNECT_TIMEOUT_S = 10

#: How the database calls our connection.
APPLICATION = "workbook writer"

#: The name of our broadcasts.
EVENT = "workbook"

_SEND = (
    "select realtime.send(jsonb_build_object('seq', $1::bigint, 'body', $2::text), '{event}', $3::text, $4::boolean)"
)
_SEND_BINARY = "select realtime.send_binary($1::bytea, '{event}', $2::text, $3::boolean)"


class SqlSender(Sender):
    """A pipeline of transactions on one connection, sent without waiting for their outcome, so that neither a distant
    database nor a slow commit holds up the schedule."""

    never_waits = True

    def __init__(self, order: Prepare) -> None:
        super().__init__(order)
        self._url = libpq_url(order.target.database_url or "")
        self._waiting: deque[int] = deque()
        self._failure = ""
        self._body = self.text()
        self._keys: dict[Action, tuple[int, ...]] = {}

    async def open(self) -> Prepared:
        prepared = await asyncio.to_thread(self._connect)
        self._pg = self._connection.pgconn
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        self._loop = asyncio.get_running_loop()
        self._descriptor = self._pg.socket  # libpq forgets it when the connection breaks
        self._loop.add_reader(self._descriptor, self._read)
        return prepared

    async def send(self, index: int) -> None:
        name, values = self._statement(index)
        self.asked()
        self._waiting.append(index)
        try:
            self._pg.send_query_prepared(name, values)
            self._pg.pipeline_sync()
            self._flush()
        except psycopg.Error as error:
            self._broken(error)

    async def close(self) -> None:
        self._unwatch()
        self._connection.close()

    def _unwatch(self) -> None:
        self._loop.remove_reader(self._descriptor)
        self._loop.remove_writer(self._descriptor)

    def _flush(self) -> None:
        """Hand over what libpq holds; what the socket does not take goes when it can."""
        try:
            holds = self._pg.flush()
        except psycopg.Error as error:
            self._broken(error)
            return
        if holds:
            self._loop.add_writer(self._descriptor, self._flush)
        else:
            self._loop.remove_writer(self._descriptor)

    def _read(self) -> None:
        try:
            self._pg.consume_input()
            while self._waiting and not self._pg.is_busy():
                self._take(self._pg.get_result())
        except psycopg.Error as error:
            self._broken(error)

    def _take(self, result: Any) -> None:
        """One result: of a statement, or the synchronisation point that commits it; None separates the two."""
        if result is None:
            return
        if result.status == pq.ExecStatus.PIPELINE_SYNC:
            index, failure = self._waiting.popleft(), self._failure
            self._failure = ""
            if failure:
                self.refused(index, failure)
            else:
                self.took(index)
        elif result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            self._failure = result.error_message.decode(errors="replace").strip().splitlines()[0]

    def _broken(self, error: psycopg.Error) -> None:
        if not self.is_over:
            self._unwatch()
            reason = str(error).strip().splitlines() or ["the connection to the database was lost"]
            self._give_up(without_password(reason[0], self._url))

    def _statement(self, index: int) -> tuple[bytes, list[bytes | None]]:
        """The prepared statement of a message, and its values."""
        seq = self.first_seq + index
        if self.workload.route is Route.DATABASE:
            return self._broadcast(index, seq)
        action = self.workload.action(index)
        turn = index // len(self.workload.actions)
        if action is Action.DELETE:
            return b"delete", _texts(self._keys[action][turn])
        values = [seq, *([self._body] if self.workload.body else []), *self.workload.values(index).values()]
        if action is Action.UPDATE:
            keys = self._keys[action]
            return b"update", _texts(*values, keys[turn % len(keys)])
        return b"insert", _texts(*values)

    def _broadcast(self, index: int, seq: int) -> tuple[bytes, list[bytes | None]]:
        private = self.workload.private
        if self.workload.encoding is Encoding.BINARY:
            data = STAMP.pack(seq, 0.0) + bytes(self.workload.body_bytes)
            return b"broadcast", _texts("\\x" + data.hex(), self.topic(index), private)
        return b"broadcast", _texts(seq, self._body, self.topic(index), private)

    def _connect(self) -> Prepared:
        self._connection = psycopg.connect(
            self._url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S, application_name=APPLICATION
        )
        try:
            return self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> Prepared:
        """Prepare the statements, and the rows that are to be changed."""
        if self.workload.route is Route.DATABASE:
            text = _SEND_BINARY if self.workload.encoding is Encoding.BINARY else _SEND
            self._connection.execute(f"prepare broadcast as {text.format(event=EVENT)}")
            return Prepared()
        table = sql.Identifier(self.target.schema, self.workload.table)
        columns = ["seq", *([self.workload.body] if self.workload.body else []), *self.workload.turns]
        names, places = _listed(map(sql.Identifier, columns)), _listed(map(_place, range(len(columns))))
        insert = "prepare insert as insert into {} ({}) values ({})"
        self._connection.execute(sql.SQL(insert).format(table, names, places))
        if self.workload.actions != (Action.INSERT,):
            self._prepare_changes(table, columns)
        return Prepared(keys=self._keys.get(Action.DELETE, ()), full_identity=self._has_full_identity(table))

    def _prepare_changes(self, table: sql.Identifier, columns: Sequence[str]) -> None:
        """Updates write every column, as ORMs do that save an object."""
        pairs = [sql.SQL("{} = {}").format(sql.Identifier(name), _place(at)) for at, name in enumerate(columns)]
        update = "prepare update as update {} set {} where id = {}"
        self._connection.execute(sql.SQL(update).format(table, _listed(pairs), _place(len(columns))))
        self._connection.execute(sql.SQL("prepare delete as delete from {} where id = $1").format(table))
        names = _listed(map(sql.Identifier, columns))
        for action, rows in ((Action.UPDATE, self.workload.rows), (Action.DELETE, self.workload.messages)):
            if action in self.workload.actions:
                self._keys[action] = self._make_rows(table, names, action, rows)

    def _make_rows(self, table: sql.Identifier, names: sql.Composable, action: Action, rows: int) -> tuple[int, ...]:
        """Insert the rows that are to be changed, but for the number as the messages that do it would write them."""
        indexes = [index for index in range(self.workload.messages) if self.workload.action(index) is action][:rows]
        body = [self._body] if self.workload.body else []
        values = [(WAITING, *body, *self.workload.values(index).values()) for index in indexes]
        places = _listed([sql.Placeholder()] * len(values[0]))
        statement = sql.SQL("insert into {} ({}) values ({}) returning id").format(table, names, places)
        keys: list[int] = []
        with self._connection.cursor() as cursor:
            cursor.executemany(statement, values, returning=True)
            for result in cursor.results():
                keys += [row[0] for row in result.fetchall()]
        return tuple(keys)

    def _has_full_identity(self, table: sql.Identifier) -> bool:
        query = "select relreplident = 'f' from pg_class where oid = %s::regclass"
        row = self._connection.execute(query, [table.as_string(self._connection)]).fetchone()
        return bool(row and row[0])


def _place(number: int) -> sql.Composable:
    """Where value `number` goes in a prepared statement."""
    return sql.SQL(f"${number + 1}")


def _listed(parts: Iterable[sql.Composable]) -> sql.Composable:
    return sql.SQL(", ").join(parts)


def _texts(*values: Any) -> list[bytes | None]:
    """Values as PostgreSQL reads them."""
    return [None if value is None else _text(value) for value in values]


def _text(value: Any) -> bytes:
    return (str(value).lower() if isinstance(value, bool) else str(value)).encode()
