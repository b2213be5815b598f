"""All faults, by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from helpers.lab.faults import database, links, server
from helpers.lab.faults.scene import Scene

__all__ = ["FAULTS", "Fault"]

#: Breaks on entering, and mends on leaving.
Strike = Callable[[Scene, float], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        name: for tables. happens: in a sentence.
        is_told: whether the client's socket learns of it at once, from the other side.
        stops_writers: whether the database cannot be written to meanwhile.
    """

    name: str
    happens: str
    _strike: Strike
    is_told: bool = True
    stops_writers: bool = False

    def strike(self, scene: Scene, seconds: float = 1.0) -> AbstractAsyncContextManager[None]:
        """Have it there while a block runs.

        Args:
            seconds: how long what takes time by itself is down; the block's own time comes on top.
        """
        return self._strike(scene, seconds)

    def __str__(self) -> str:
        return f"{self.name}: {self.happens}"


_ALL = (
    Fault("reset", "the connection is reset", links.reset),
    Fault("proxy closes", "a proxy ends the connection in order", links.proxy_closes),
    Fault("half-open", "the server is gone, and nobody tells the client", links.half_open, is_told=False),
    Fault("black hole", "nothing gets through in either direction", links.black_hole, is_told=False),
    Fault("refused", "nothing listens at the address", links.refused),
    Fault("latency spike", "each message takes 1.5 s", links.latency_spike, is_told=False),
    Fault("sliced", "bytes come drop by drop", links.sliced, is_told=False),
    Fault("operator disconnects", "the server ends all connections", server.operator_disconnects),
    Fault("rate limit", "the server drops changes above its rate without a word", server.rate_limit, is_told=False),
    Fault("server restart", "Realtime, REST and PostgreSQL go and come back", server.restart, stops_writers=True),
    Fault("failover", "a fresh server with a copy of the data takes over", server.failover, stops_writers=True),
    Fault("PostgreSQL crash", "PostgreSQL's processes die, and it recovers", database.crash, stops_writers=True),
    Fault("connections ended", "PostgreSQL ends all connections", database.connections_ended),
    Fault("slot lost", "the replication slot is gone, with what was in it", database.slot_lost, is_told=False),
    Fault("publication altered", "the table is not published for a while", database.publication_altered, is_told=False),
    Fault("payload too large", "a row of more than 1 MiB is written", database.payload_too_large, is_told=False),
)

FAULTS = {fault.name: fault for fault in _ALL}
