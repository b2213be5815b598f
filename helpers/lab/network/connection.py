"""One client's connection through a network, from its acceptance to its end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

from helpers.lab.network.conditions import Answer, Conditions, Ending
from helpers.lab.network.conversation import Conversation
from helpers.lab.network.heads import changed, read_head
from helpers.lab.network.line import Line
from helpers.lab.network.pipe import Direction, Pipe

if TYPE_CHECKING:
    from helpers.lab.network.network import Network

__all__ = ["Connection"]

#: How long the target may take to accept, and the client to send the head of a request.
_CONNECT_LIMIT_S = 10.0
_HEAD_LIMIT_S = 60.0
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: closing sends a RST

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Connection:
    """Lives as long as `run` runs."""

    def __init__(self, network: Network, number: int, client: Ends) -> None:
        self._network = network
        self._number = number
        self._client = client
        self._server: Ends | None = None
        self._touched_at = self._accepted_at = time.monotonic()
        self._ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    def end(self, ending: Ending) -> None:
        """Take the connection away; without effect on one that is being taken away."""
        if not self._ending.done():
            self._ending.set_result(ending)

    async def run(self) -> None:
        """Until both ends have left, or the network took it away."""
        tasks = [asyncio.create_task(self._serve()), asyncio.create_task(self._age())]
        try:
            waited: list[asyncio.Future[Any]] = [*tasks, self._ending]
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            await _cancelled(tasks)
            if self._ending.done():
                self._network.counters.taken += 1
                await self._take_away(self._ending.result())
            elif not tasks[0].cancelled():
                tasks[0].result()  # raises what is nobody's network but a mistake in a rule
        finally:
            await _cancelled(tasks)
            for _, writer in self._ends:
                writer.transport.abort()

    @property
    def _conditions(self) -> Conditions:
        return self._network.conditions

    @property
    def _ends(self) -> list[Ends]:
        return [self._client] if self._server is None else [self._client, self._server]

    async def _serve(self) -> None:
        try:
            # The kernel has accepted at once; what the handshake of TCP takes on this network is waited here.
            await asyncio.sleep(self._conditions.rtt_ms / 1e3)
            if self._conditions.refuses:  # accepted in the very moment in which it went down
                raise ConnectionRefusedError
            while self._conditions.to_server.held:
                await self._network.changed()
            if self._conditions.answer is not None:
                await self._answer(self._conditions.answer)
            else:
                await self._relay()
        except* OSError:  # one end was reset: so is the other
            for _, writer in self._ends:
                _reset(writer)

    async def _answer(self, answer: Answer) -> None:
        reader, writer = self._client
        async with asyncio.timeout(_HEAD_LIMIT_S):
            head = await read_head(reader)
        if head is not None:
            self._network.counters.answered += 1
            writer.write(answer.encode())
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    async def _relay(self) -> None:
        preface = await self._preface()
        try:
            async with asyncio.timeout(_CONNECT_LIMIT_S):
                self._server = await self._network.route.open()
        except OSError:
            self._network.counters.unreachable += 1
            raise
        talk = Conversation()
        to_server = Direction(
            lambda now: now.to_server, talk.to_server, talk.rest_to_server, self._sent_to_server, self._line("up")
        )
        to_client = Direction(
            lambda now: now.to_client, talk.to_client, talk.rest_to_client, self._sent_to_client, self._line("down")
        )
        network, counters = self._network, self._network.counters
        async with asyncio.TaskGroup() as tasks:
            up = Pipe(self._client[0], self._server[1], network, to_server, counters)
            down = Pipe(self._server[0], self._client[1], network, to_client, counters)
            tasks.create_task(up.run(preface))
            tasks.create_task(down.run())

    async def _preface(self) -> bytes:
        """The first head, changed, where the network changes heads."""
        strip, host = self._conditions.strips_upgrade, self._network.route.host_header
        if not strip and host is None:
            return b""
        async with asyncio.timeout(_HEAD_LIMIT_S):
            head = await read_head(self._client[0])
        if head is None:
            raise ConnectionAbortedError
        return changed(head, strip_upgrade=strip, host=host)

    def _line(self, direction: str) -> Line:
        return Line(f"{self._network.seed}/{self._number}/{direction}", self._network.counters)

    def _sent_to_server(self, size: int) -> None:
        self._touched_at = time.monotonic()
        self._network.counters.bytes_to_server += size

    def _sent_to_client(self, size: int) -> None:
        self._touched_at = time.monotonic()
        self._network.counters.bytes_to_client += size

    async def _age(self) -> None:
        """End the connection when its time has come, by the conditions of that moment."""
        while True:
            now, lifetime = time.monotonic(), self._conditions.lifetime
            limits = [(self._touched_at, lifetime.idle_s), (self._accepted_at, lifetime.age_s)]
            left = min((since + limit - now for since, limit in limits if limit is not None), default=None)
            if left is not None and left <= 0:
                self.end(lifetime.ending)
                return
            await self._network.changed(left)

    async def _take_away(self, ending: Ending) -> None:
        match ending:
            case Ending.RESET:
                for _, writer in self._ends:
                    _reset(writer)
            case Ending.CLOSE:
                await asyncio.gather(*(_closed(writer) for _, writer in self._ends))
            case Ending.SERVER_GONE | Ending.CLIENT_GONE:
                await self._half_open(ending)

    async def _half_open(self, ending: Ending) -> None:
        """One end goes at once; the other one's bytes fall into nothing until it leaves by itself."""
        client_stays = ending is Ending.SERVER_GONE
        gone = self._server if client_stays else self._client
        stays = self._client if client_stays else self._server
        if gone is not None:
            await _closed(gone[1])
        if stays is not None:
            with contextlib.suppress(OSError):
                while await stays[0].read(65_536):
                    pass


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1):
            await writer.wait_closed()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None and not writer.transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
