"""Rows by the generated Prisma client."""

from __future__ import annotations

import asyncio
from typing import Any

from helpers.prisma import prisma_client
from helpers.profiling.workloads.orders import Prepare, Prepared
from helpers.profiling.workloads.senders.sender import Sender
from helpers.profiling.workloads.workload import ROOM_COLUMN

__all__ = ["PrismaSender"]

#: Creates that wait for their answer at a time. More wait in here, and are late for it.
IN_FLIGHT = 32


class PrismaSender(Sender):
    """One client and its engine; `event.create` for each message, as an application writes it."""

    def __init__(self, order: Prepare) -> None:
        super().__init__(order)
        self._body = self.text()
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._creates: set[asyncio.Task[None]] = set()

    async def open(self) -> Prepared:
        self._client = await prisma_client(self.target)
        return Prepared()

    async def send(self, index: int) -> None:
        await self._slots.acquire()
        self.asked()
        create = asyncio.create_task(self._create(index))
        self._creates.add(create)
        create.add_done_callback(self._creates.discard)

    async def close(self) -> None:
        for create in self._creates:
            create.cancel()
        await self._client.disconnect()

    async def _create(self, index: int) -> None:
        room = self.workload.values(index).get(ROOM_COLUMN, 0)
        data: dict[str, Any] = {"seq": self.first_seq + index, "roomId": room, "body": self._body}
        try:
            await self._client.event.create(data=data)
        except Exception as error:  # of the generated client, whose errors exist only after generation
            self.refused(index, (str(error).strip().splitlines() or [type(error).__name__])[0])
        else:
            self.took(index)
        finally:
            self._slots.release()
