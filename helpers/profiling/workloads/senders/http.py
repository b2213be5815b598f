"""Rows by PostgREST, and broadcasts by Realtime's HTTP endpoint: a request each."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import msgspec

from helpers.profiling.workloads.orders import Prepare, Prepared
from helpers.profiling.workloads.senders.sender import Sender
from helpers.profiling.workloads.senders.sql import EVENT
from helpers.profiling.workloads.workload import Route
from helpers.target import TargetKind

__all__ = ["HttpSender"]

#: Requests that wait for their answer at a time. More wait in here, and are late for it.
IN_FLIGHT = 64

ANSWER_LIMIT_S = 10.0


class HttpSender(Sender):
    """Requests on connections that stay open, several at a time."""

    def __init__(self, order: Prepare) -> None:
        super().__init__(order)
        self._body = self.text()
        self._slots = asyncio.Semaphore(IN_FLIGHT)
        self._requests: set[asyncio.Task[None]] = set()
        self._by_rest = order.workload.route is Route.REST
        target = order.target
        self._url = f"{target.rest_url}/{order.workload.table}" if self._by_rest else f"{target.api_url}{_BROADCAST}"
        key = target.secret_key or target.publishable_key
        self._headers = {"apikey": key, "Content-Type": "application/json"}
        if not key.startswith("sb_"):  # those are no tokens
            self._headers["Authorization"] = f"Bearer {key}"
        if self._by_rest:
            self._headers |= {"Content-Profile": target.schema, "Prefer": "return=minimal"}

    async def open(self) -> Prepared:
        timeout = aiohttp.ClientTimeout(total=ANSWER_LIMIT_S)
        connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
        by_proxy = self.target.kind is TargetKind.HOSTED  # if the environment names one
        self._session = aiohttp.ClientSession(
            headers=self._headers, timeout=timeout, connector=connector, trust_env=by_proxy
        )
        return Prepared()

    async def send(self, index: int) -> None:
        await self._slots.acquire()
        self.asked()
        request = asyncio.create_task(self._request(index))
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)

    async def close(self) -> None:
        for request in self._requests:
            request.cancel()
        await self._session.close()

    async def _request(self, index: int) -> None:
        try:
            async with self._session.post(self._url, data=msgspec.json.encode(self._content(index))) as response:
                said = await response.text()
            if response.ok:
                self.took(index)
            else:
                self.refused(index, f"HTTP {response.status} {said[:200]}".strip())
        except TimeoutError:
            self.refused(index, f"no answer within {ANSWER_LIMIT_S:g} s")
        except aiohttp.ClientError as error:
            self.refused(index, str(error) or type(error).__name__)
        finally:
            self._slots.release()

    def _content(self, index: int) -> dict[str, Any]:
        seq = self.first_seq + index
        if self._by_rest:
            body = {self.workload.body: self._body} if self.workload.body else {}
            return {"seq": seq, **body, **self.workload.values(index)}
        payload = {"seq": seq, "body": self._body}
        message = {"topic": self.topic(index), "event": EVENT, "payload": payload, "private": self.workload.private}
        return {"messages": [message]}


_BROADCAST = "/realtime/v1/api/broadcast"
