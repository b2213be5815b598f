"""Does the steps of one recording on a server, and collects what comes back."""

from __future__ import annotations

import asyncio
import base64
import re
import time
from collections import Counter
from collections.abc import Iterator

import psycopg
from psycopg import sql

from helpers.lab.conformance.calls import call
from helpers.lab.conformance.connection import Connection
from helpers.lab.conformance.cues import cue_for
from helpers.lab.conformance.plan import SAMPLED, due_ms, lead_s, longest_wait_s, warm
from helpers.lab.conformance.recording import Recording, Row
from helpers.lab.conformance.server import Server
from helpers.lab.conformance.tokens import TokenMint

__all__ = ["Replay"]

#: How much longer than the genuine server's an answer may take before the replay goes on without it.
_PATIENCE_S = 4.0
#: After the last step, for what should not come.
_EPILOGUE_S = 0.8
_TABLES = ("messages", "messages_full", "private_notes", "private_notes_full", "not_published", "types_demo")
_ANSWERS = ("open", "in", "closed", "handshake-error")
_ROW_ID = re.compile(r'"table":\s*"(\w+)".*?"record":\s*\{.*?"id":\s*(\d+)')
_INSERT = re.compile(r"insert into (\w+)\b")

_LEAD = {"dir": "http", "method": "POST", "path": "/api/broadcast",
         "req_headers": {"apikey": "<jwt alg=HS256 signature=ok exp=now+3600 role=service_role>"},
         "req_body": {"messages": [{"topic": "lead", "event": "lead", "payload": {}}]}}  # fmt: skip
_CONFIRMED, _WARM_UP_LIMIT_S = "Subscribed to PostgreSQL", 15.0
_LISTENER = {"url": "ws://realtime.localhost/realtime/v1/websocket?vsn=2.0.0&apikey="
             "<jwt alg=HS256 signature=ok exp=now+3600 role=anon>", "headers": None}  # fmt: skip
_LISTENING = {"op": "text", "data": '["1","1","realtime:warm","phx_join",{"config":{"postgres_changes":'
              '[{"event":"*","schema":"public","table":"messages"}]}}]'}  # fmt: skip


class Replay:
    """One run of one recording.

    Attributes:
        rows: what was done and what came back, in the recording's form.
    """

    def __init__(self, server: Server, recording: Recording) -> None:
        self.server = server
        self.recording = recording
        self.mint = TokenMint(server.jwt_secret)
        self.rows: list[Row] = []
        self._connections: dict[str, Connection] = {}
        self._answers: Counter[str] = Counter()
        self._closed: set[str] = set()
        self._arrived = asyncio.Event()
        self._database: psycopg.AsyncConnection | None = None
        self._began = time.monotonic()

    async def run(self) -> None:
        """Do all steps, each as soon as the answers that came before it in the recording have come.

        Raises:
            psycopg.Error: the tables cannot be set back to where they stood.
        """
        await self._reset_tables()
        await self._lead()
        self._began = time.monotonic()
        expected: Counter[str] = Counter()
        last_ms, longest_s = 0.0, longest_wait_s(self.recording)
        for row in self.recording.rows:
            if row["dir"] in _ANSWERS:
                expected[row["conn"]] += 1
                continue
            gap_s = max(0.0, row["t_ms"] - last_ms) / 1000
            earliest = time.monotonic() + min(gap_s, longest_s)
            await self._caught_up(expected, gap_s + _PATIENCE_S)
            await asyncio.sleep(self._until(row) if longest_s == float("inf") else earliest - time.monotonic())
            await self._step(row)
            last_ms = row["t_ms"]
        await self._caught_up(expected, self.recording.rows[-1]["t_ms"] / 1000 - last_ms / 1000 + _PATIENCE_S)
        await asyncio.sleep(_EPILOGUE_S)
        await self._end()

    def connection(self, name: str) -> Connection:
        """The newest connection of that name."""
        return next(self._connections[key] for key in reversed(self._connections) if key.startswith(f"{name}#"))

    def _until(self, row: Row) -> float:
        at_s = due_ms(self.recording, row["t_ms"]) / 1000
        return max(0.0, self._began + at_s - time.monotonic())

    async def _step(self, row: Row) -> None:
        kind = row["dir"]
        if kind == "note":
            cue = cue_for(row["text"])
            if cue is not None:
                await cue(self)
            return
        if kind != "http":
            self._note(row)
        if kind == "connect":
            connection = self._connections[row["conn"]] = Connection(row["conn"], self._note)
            await connection.open(row, self.server.api_url, self.mint)
        elif kind == "out":
            await self._connections[row["conn"]].send(row, self.mint)
        elif kind == "close":
            await self._connections[row["conn"]].close(row["code"])
        elif kind == "sql":
            await self._execute(row)
        elif kind == "http":
            self._note(await call(row, self.server.api_url, self.mint))

    def _note(self, row: Row) -> None:
        self.rows.append({**row, "t_ms": (time.monotonic() - self._began) * 1000})
        if row["dir"] in _ANSWERS:
            self._answers[row["conn"]] += 1
            if row["dir"] == "closed":
                self._closed.add(row["conn"])
            self._arrived.set()

    async def _caught_up(self, expected: Counter[str], patience_s: float) -> None:
        """Wait until as much has come as in the recording, if it keeps everything that came."""
        if self.recording.scenario in SAMPLED:
            return
        deadline = time.monotonic() + patience_s
        while any(self._answers[name] < count for name, count in expected.items() if name not in self._closed):
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), deadline - time.monotonic())
            except TimeoutError:
                # What has not come by now is not waited for again.
                expected.subtract({name: max(0, count - self._answers[name]) for name, count in expected.items()})
                return

    async def _lead(self) -> None:
        """What must have happened before the first step."""
        ahead_s = lead_s(self.recording)
        if ahead_s is not None:
            await call(_LEAD, self.server.api_url, self.mint)
            await asyncio.sleep(ahead_s)
        if warm(self.recording):
            await self._listen_once()

    async def _listen_once(self) -> None:
        """Subscribe to changes, and leave when that was confirmed."""
        confirmed = asyncio.Event()
        listener = Connection("warm", lambda row: confirmed.set() if _CONFIRMED in str(row.get("data")) else None)
        await listener.open(_LISTENER, self.server.api_url, self.mint)
        await listener.send(_LISTENING, self.mint)
        async with asyncio.timeout(_WARM_UP_LIMIT_S):
            await confirmed.wait()
        await listener.close()

    async def _execute(self, row: Row) -> None:
        values = [None if value == "None" else value for value in row["args"] or ()]
        try:
            await (await self._connected()).execute(row["text"].encode(), values or None)
        except psycopg.Error as error:
            self._note({"dir": "sql-error", "text": str(error)})

    async def _connected(self) -> psycopg.AsyncConnection:
        if self._database is None or self._database.closed:
            self._database = await psycopg.AsyncConnection.connect(self.server.database, autocommit=True)
        return self._database

    async def _reset_tables(self) -> None:
        """Empty the tables, and let their numbers go on where they stood in the recording."""
        connection = await self._connected()
        first = dict(reversed(list(_row_ids(self.recording))))
        await connection.execute("delete from realtime.messages")
        await connection.execute("drop trigger if exists bc on public.not_published")
        for name in _TABLES:
            table = sql.Identifier("public", name)
            await connection.execute(sql.SQL("truncate {}").format(table))
            if name in first:
                restart = sql.SQL("alter table {} alter column id restart with {}").format(table, first[name])
                await connection.execute(restart)

    async def _end(self) -> None:
        for connection in self._connections.values():
            await connection.close()
        if self._database is not None:
            await self._database.close()


def _row_ids(recording: Recording) -> Iterator[tuple[str, int]]:
    """Tables and the ids that their first rows had, as each message about a row lets one conclude."""
    inserted: Counter[str] = Counter()
    for row in recording.rows:
        if row["dir"] == "sql" and (match := _INSERT.match(row["text"])):
            inserted[match[1]] += 1
        elif row["dir"] == "in" and (match := _ROW_ID.search(_text(row))):
            yield match[1], int(match[2]) - max(0, inserted[match[1]] - 1)


def _text(row: Row) -> str:
    return str(row["data"]) if row["op"] == "text" else base64.b64decode(row["b64"]).decode("latin-1")
