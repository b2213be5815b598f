"""The process that writes the load: `python -m helpers.profiling.writer`, driven by lines of JSON on its stdin.

It is a process of its own so that writing takes nothing from the receiver that is being measured. Rows are pipelined,
each a transaction of its own, so that neither a distant database nor a slow commit holds up the schedule. Both sides
read the machine's one monotonic clock.

First line in: `Database`. First line out: `{}` when connected. Then for each `Order` in, one `Written` out.
"""

from __future__ import annotations

import os
import queue
import select
import sys
import threading
import time

import msgspec
import psycopg
from psycopg import pq, sql

from helpers.profiling.workload import Workload

__all__ = ["Database", "Order", "Written"]

CONNECT_TIMEOUT_S = 10

#: How long commits may still be under way after the last row was due.
FINISH_LIMIT_S = 30.0


class Database(msgspec.Struct, frozen=True):
    """Where to write. The URL comes by stdin, because arguments of a process can be read by everybody."""

    url: str
    schema: str
    table: str


class Order(msgspec.Struct, frozen=True):
    """One run of a workload."""

    workload: Workload
    first_seq: int
    start: float


class Written(msgspec.Struct, frozen=True):
    """What became of an order: rows committed, how late rows were sent, and the first error if there was one."""

    committed: int = 0
    late_p99_ms: float = 0.0
    late_max_ms: float = 0.0
    error: str = ""


class Inserts:
    """A pipeline of single-row transactions on one connection, sent without waiting for their outcome."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._pg = connection.pgconn
        self._pg.nonblocking = 1
        self._pg.enter_pipeline_mode()
        self.sent = 0
        self.committed = 0
        self.error = ""
        self._answered = 0

    def send(self, *values: str) -> None:
        """Queue one row and everything that is needed to commit it."""
        self._pg.send_query_prepared(b"row", [value.encode() for value in values])
        self._pg.pipeline_sync()
        self.sent += 1

    def attend(self, seconds: float) -> None:
        """Move bytes in both directions for at most `seconds`; return as soon as there was something to do."""
        unsent = self._pg.flush()
        writable = [self._pg.socket] if unsent else []
        readable, _, _ = select.select([self._pg.socket], writable, [], max(0.0, seconds))
        if readable:
            self._pg.consume_input()
            self._read_outcomes()

    def finish(self) -> None:
        """Wait until every row is answered (or `FINISH_LIMIT_S` is over) and leave the pipeline."""
        limit = time.monotonic() + FINISH_LIMIT_S
        while self._answered < self.sent and time.monotonic() < limit:
            self.attend(limit - time.monotonic())
        self._pg.exit_pipeline_mode()
        self._pg.nonblocking = 0

    def _read_outcomes(self) -> None:
        while self._answered < self.sent and not self._pg.is_busy():
            result = self._pg.get_result()
            if result is None:  # separates the outcome of a row from its synchronisation point
                continue
            if result.status == pq.ExecStatus.COMMAND_OK:
                self.committed += 1
            elif result.status == pq.ExecStatus.PIPELINE_SYNC:
                self._answered += 1
            elif not self.error:
                self.error = result.error_message.decode(errors="replace").strip()


def write(connection: psycopg.Connection, order: Order) -> Written:
    """Send every row when it is due, and say what became of them."""
    inserts = Inserts(connection)
    workload, late_ms = order.workload, []
    body = ("The quick brown fox jumps over the lazy dog. " * (workload.body_bytes // 45 + 1))[: workload.body_bytes]
    for index in range(workload.rows):
        due = order.start + workload.due_s(index)
        while (wait := due - time.monotonic()) > 0:
            inserts.attend(wait)
        late_ms.append(-1_000 * wait)
        inserts.send(str(order.first_seq + index), str(workload.room(index)), body, '{"client": "workbook"}')
        inserts.attend(0)
    inserts.finish()
    late_ms.sort()
    return Written(inserts.committed, late_ms[int(0.99 * len(late_ms))], late_ms[-1], inserts.error)


def prepare(connection: psycopg.Connection, database: Database) -> None:
    """Prepare the insert under the name ``row``."""
    statement = sql.SQL("prepare row as insert into {} (seq, room_id, body, meta) values ($1, $2, $3, $4)")
    connection.execute(statement.format(sql.Identifier(database.schema, database.table)))


def make_rooms(connection: psycopg.Connection, database: Database, workload: Workload) -> None:
    """See that the rooms of the workload exist: every event belongs to one."""
    statement = sql.SQL(
        "insert into {} (id, name) select id, 'Room ' || id from unnest(%s::bigint[]) id on conflict do nothing"
    ).format(sql.Identifier(database.schema, "rooms"))
    connection.execute(statement, [[workload.room(turn) for turn in range(workload.rooms)]])


def serve(orders: queue.Queue[bytes]) -> None:
    """Carry out orders until the process ends."""
    database = msgspec.json.decode(orders.get(), type=Database)
    with psycopg.connect(database.url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S) as connection:
        prepare(connection, database)
        _say(b"{}")
        while True:
            order = msgspec.json.decode(orders.get(), type=Order)
            make_rooms(connection, database, order.workload)
            _say(msgspec.json.encode(write(connection, order)))


def _say(line: bytes) -> None:
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def _listen(orders: queue.Queue[bytes]) -> None:
    """Pass on orders, and end the process when whoever gave them is gone."""
    for line in sys.stdin.buffer:
        orders.put(line)
    os._exit(0)


def main() -> None:
    orders: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    try:
        serve(orders)
    except psycopg.Error as error:
        _say(msgspec.json.encode(Written(error=str(error).strip().splitlines()[0])))
        sys.exit(1)


if __name__ == "__main__":
    main()
