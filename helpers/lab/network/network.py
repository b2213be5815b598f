"""A network between clients and a target, whose conditions can be changed while connections run."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from helpers.errors import InputError
from helpers.lab.network.conditions import Conditions, Ending
from helpers.lab.network.connection import Connection
from helpers.lab.network.counters import Counters
from helpers.lab.network.front import Family, Front
from helpers.lab.network.presets import PERFECT
from helpers.lab.network.route import Route
from helpers.target import Target

__all__ = ["Network", "network"]


class Network:
    """Made by `network`.

    Attributes:
        target: what clients use instead of the target behind: the same, through this network.
        conditions: those of now.
        counters: what went through.
    """

    def __init__(
        self,
        behind: Target,
        conditions: Conditions = PERFECT,
        *,
        seed: int = 0,
        family: Family = Family.V4,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.seed = seed
        self.route = Route.to(behind)
        self.conditions = self._checked(conditions)
        self.counters = Counters()
        self._front = Front(family, self._serve, tls)
        self.target = replace(behind, api_url=self._origin(family, tls))
        self._change = asyncio.Event()
        self._open: set[Connection] = set()
        if not self.conditions.refuses:
            self._front.listen()

    async def stop(self) -> None:
        """End all connections and give up the port."""
        await self._front.close()

    def set(self, conditions: Conditions) -> None:
        """Change the conditions, for new connections and for those that are open.

        Raises:
            InputError: they look into messages, and these are encrypted here.
        """
        self.conditions = self._checked(conditions)
        if conditions.refuses and self._front.listening:
            self._front.refuse()
            self.cut()
        elif not conditions.refuses and not self._front.listening:
            self._front.listen()
        change, self._change = self._change, asyncio.Event()
        change.set()

    def cut(self, ending: Ending = Ending.RESET) -> int:
        """Take away all connections that are open; new ones are accepted.

        Returns:
            How many there were.
        """
        for connection in self._open:
            connection.end(ending)
        return len(self._open)

    @property
    def open_connections(self) -> int:
        """How many clients are connected, half-open ones included."""
        return len(self._open)

    async def changed(self, timeout: float | None = None) -> bool:
        """Wait until the conditions change; False when so many seconds passed before."""
        try:
            async with asyncio.timeout(timeout):
                await self._change.wait()
        except TimeoutError:
            return False
        return True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counters.connections += 1
        connection = Connection(self, self.counters.connections, (reader, writer))
        self._open.add(connection)
        try:
            await connection.run()
        finally:
            self._open.discard(connection)

    def _origin(self, family: Family, tls: ssl.SSLContext | None) -> str:
        if tls is None and not self.route.opaque:
            return f"http://{family.netloc(self._front.port)}"
        # A certificate is for a name; and localhost is 127.0.0.1 at least.
        return f"https://{(Family.BOTH if family is Family.V4 else family).netloc(self._front.port)}"

    def _checked(self, conditions: Conditions) -> Conditions:
        if self.route.opaque and (conditions.reads_frames or conditions.answer or conditions.strips_upgrade):
            raise InputError(
                f"setting the conditions of a network to {conditions.name!r}",
                "the target speaks TLS, and a network sees only encrypted bytes of it",
                "Put the network between the target and the TLS front: tls_front(via.target)",
            )
        return conditions


@asynccontextmanager
async def network(
    target: Target, conditions: Conditions = PERFECT, *, seed: int = 0, family: Family = Family.V4
) -> AsyncIterator[Network]:
    """Put a network in front of a target: clients that use ``via.target`` go through it.

        async with network(lab.target, THREE_G_TRAIN) as via:
            async with RealtimeClient(via.target) as client: ...
            via.set(BLACK_HOLE)

    It listens on loopback alone, on a free port, and lives in the event loop of its caller. Only `api_url` leads
    through it, not the database. Networks can be put one in front of another.

    Args:
        target: on this machine or anywhere.
        seed: of its chance; the same seed and the same messages meet the same delays and losses.
        family: on which loopback address it listens.

    Raises:
        LabError: it cannot listen.
        InputError: the conditions look into messages that are encrypted.
    """
    via = Network(target, conditions, seed=seed, family=family)
    try:
        yield via
    finally:
        await via.stop()
