"""All faults, by name."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from helpers.lab.faults import application, database, links, server
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
        lasts: whether it is there as long as the block runs; else it is over when the block begins.
        needs_application: whether it happens to `Scene.application`.
    """

    name: str
    happens: str
    _strike: Strike
    is_told: bool = True
    stops_writers: bool = False
    lasts: bool = True
    needs_application: bool = False

    def strike(self, scene: Scene, seconds: float = 1.0) -> AbstractAsyncContextManager[None]:
        """Have it there while a block runs.

        Args:
            seconds: how long what takes time by itself is down; the block's own time comes on top.
        """
        return self._strike(scene, seconds)

    def __str__(self) -> str:
        return f"{self.name}: {self.happens}"


_LINKS = (
    Fault("reset", "the connection is reset", links.reset, lasts=False),
    Fault("proxy closes", "a proxy ends the connection in order", links.proxy_closes, lasts=False),
    Fault("half-open", "the server is gone, and nobody tells the client", links.half_open, is_told=False, lasts=False),
    Fault("black hole", "nothing gets through in either direction", links.black_hole, is_told=False),
    Fault("refused", "nothing listens at the address", links.refused),
    Fault("latency spike", "each message takes 1.5 s", links.latency_spike, is_told=False),
    Fault("sliced", "bytes come drop by drop", links.sliced, is_told=False),
)

_SERVER = (
    Fault("operator disconnects", "the server ends all connections", server.operator_disconnects, lasts=False),
    Fault("rate limit", "the server drops changes above its rate without a word", server.rate_limit, is_told=False),
    Fault("server restart", "all servers go and come back", server.restart, stops_writers=True, lasts=False),
    Fault("failover", "a fresh server takes over a copy", server.failover, stops_writers=True, lasts=False),
)

_DATABASE = (
    Fault("PostgreSQL crash", "its processes die, and it recovers", database.crash, stops_writers=True, lasts=False),
    Fault("connections ended", "PostgreSQL ends all connections", database.connections_ended, lasts=False),
    Fault("slot lost", "the slot is gone, with what was in it", database.slot_lost, is_told=False, lasts=False),
    Fault("publication altered", "the table is not published for a while", database.publication_altered, is_told=False),
    Fault("payload too large", "a row of more than 1 MiB is written", database.payload_too_large, is_told=False),
)

_APPLICATION = (
    Fault("token expires", "in use, and no fresh one is to be had", application.token_expires, needs_application=True),
    Fault("asleep", "the laptop is closed for 10 minutes", application.asleep, is_told=False, needs_application=True),
    Fault("clock back", "its clock is set back by an hour", application.clock_back, needs_application=True),
    Fault("disk full", "nothing more fits onto its disk", application.disk_full, needs_application=True),
    Fault("killed", "its process ends at any step", application.killed, lasts=False, needs_application=True),
)

FAULTS = {fault.name: fault for fault in (*_LINKS, *_SERVER, *_DATABASE, *_APPLICATION)}
