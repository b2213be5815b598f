"""A tab: what it is asked to do, and what it uses."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import psutil

from helpers.errors import FailureError
from helpers.experiments.browser.chromium import Browser
from helpers.experiments.browser.devtools import Event

__all__ = ["Heap", "Tab", "Work", "open_tab"]

_LOAD_LIMIT_S = 30.0
_SEEN_LIMIT_S = 5.0
_LOOK_S = 0.02
#: What is cleaned up after a collection is freed by the next; and of the engine's own objects one may survive because
#: something on the stack looks like a reference to it, but none that is alive is ever missing. So the least counts.
_COLLECTIONS = 4


@dataclass(frozen=True, slots=True)
class Heap:
    """What is alive in a tab right after garbage was collected, in bytes.

    Attributes:
        script: objects of JavaScript. engine: what the browser's own objects hold, such as sockets, listeners and
            elements. buffers: array buffers and strings beside the heap (`Runtime.getHeapUsage`).
        process: private memory of the tab's process (unique set size); None where the system does not tell.
    """

    script: int
    engine: int
    buffers: int
    process: int | None = None

    @property
    def alive(self) -> int:
        """Everything that the page itself keeps."""
        return self.script + self.engine + self.buffers


@dataclass(frozen=True, slots=True)
class Work:
    """Seconds of work since the tab was opened.

    Attributes:
        tasks: of the page's thread, and of them in scripts (`Performance.getMetrics`).
        process: CPU time of the tab's process, all threads. network: of the browser's network service.
    """

    tasks: float
    scripts: float
    process: float
    network: float

    def since(self, earlier: Work) -> Work:
        """What was done after an earlier reading."""
        return Work(
            self.tasks - earlier.tasks,
            self.scripts - earlier.scripts,
            self.process - earlier.process,
            self.network - earlier.network,
        )


class Tab:
    """One page in a context of its own: no other tab shares its process, its storage or its window."""

    def __init__(self, browser: Browser, context: str, target: str, session: str) -> None:
        self._browser, self._context, self._target, self._session = browser, context, target, session

    async def call(self, function: str, *arguments: Any, limit_s: float = 60.0) -> Any:
        """Call a function of the page, and wait for what its promise brings.

        Raises:
            FailureError: the page threw an error, or did not answer in time.
        """
        expression = f"{function}({', '.join(json.dumps(one) for one in arguments)})"
        answer = await self._ask(
            "Runtime.evaluate",
            {"expression": expression, "awaitPromise": True, "returnByValue": True},
            limit_s=limit_s,
        )
        if thrown := answer.get("exceptionDetails"):
            said = thrown.get("exception", {}).get("description") or thrown["text"]
            raise FailureError(
                f"calling {function} in the page",
                said.splitlines()[0],
                "Run the diagnosis of notebook 01 on this target",
            )
        return answer["result"].get("value")

    async def heap(self) -> Heap:
        """What is left after collections of garbage."""
        least = min([await self._collected() for _ in range(_COLLECTIONS)], key=lambda heap: heap.alive)
        return replace(least, process=await self._private_bytes())

    async def _collected(self) -> Heap:
        await self._ask("HeapProfiler.collectGarbage")
        used = await self._ask("Runtime.getHeapUsage")
        return Heap(int(used["usedSize"]), int(used["embedderHeapUsedSize"]), int(used["backingStorageSize"]))

    async def work(self) -> Work:
        """Until now."""
        metrics = (await self._ask("Performance.getMetrics"))["metrics"]
        by_name = {metric["name"]: float(metric["value"]) for metric in metrics}
        processes = await self._processes()
        return Work(
            by_name["TaskDuration"],
            by_name["ScriptDuration"],
            sum(one["cpuTime"] for one in processes if one["type"] == "renderer"),
            sum(one["cpuTime"] for one in processes if "NetworkService" in one["type"]),
        )

    async def hide(self) -> None:
        """Bring another tab of the same window to the front, as a person does, until the page has noticed.

        Raises:
            FailureError: this browser does not hide tabs without a window.
        """
        ask = self._browser.devtools.ask
        await ask("Target.createTarget", {"url": "about:blank", "browserContextId": self._context})
        await self._until_seen("hidden")

    async def show(self) -> None:
        """Bring it to the front again."""
        await self._browser.devtools.ask("Target.activateTarget", {"targetId": self._target})

    async def _until_seen(self, state: str) -> None:
        began = time.monotonic()
        while await self.call("(() => document.visibilityState)") != state:
            if time.monotonic() > began + _SEEN_LIMIT_S:
                raise FailureError(
                    "putting a tab into the background", "the page is still visible", "Update the browser"
                )
            await asyncio.sleep(_LOOK_S)

    async def freeze(self, frozen: bool) -> None:
        """As the browser does to a hidden tab in order to save energy or memory."""
        await self._ask("Page.setWebLifecycleState", {"state": "frozen" if frozen else "active"})

    async def listen(self, domain: str, event: Event) -> None:
        """Have the events of a domain told, such as those of ``Network``."""
        self._browser.devtools.listen(self._session, event)
        await self._ask(f"{domain}.enable")

    async def _ask(self, method: str, parameters: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
        return await self._browser.devtools.ask(method, parameters, session=self._session, **options)

    async def _processes(self) -> list[dict[str, Any]]:
        return list((await self._browser.devtools.ask("SystemInfo.getProcessInfo"))["processInfo"])

    async def _private_bytes(self) -> int | None:
        """Of all renderers: there is no other page in this browser, and what the empty ones have stays the same."""
        pids = [int(one["id"]) for one in await self._processes() if one["type"] == "renderer"]
        try:
            return await asyncio.to_thread(lambda: sum(psutil.Process(pid).memory_full_info().uss for pid in pids))
        except psutil.Error:
            return None


@asynccontextmanager
async def open_tab(browser: Browser, url: str) -> AsyncIterator[Tab]:
    """A tab in front of a window of its own, with the page loaded; closed at the end.

    Raises:
        FailureError: the page did not load.
    """
    ask = browser.devtools.ask
    context = (await ask("Target.createBrowserContext"))["browserContextId"]
    try:
        target = (await ask("Target.createTarget", {"url": url, "browserContextId": context}))["targetId"]
        session = (await ask("Target.attachToTarget", {"targetId": target, "flatten": True}))["sessionId"]
        tab = Tab(browser, context, target, session)
        # Seconds of the processor, not of the clock: what waits for its turn does not count.
        await ask("Performance.enable", {"timeDomain": "threadTicks"}, session=session)
        await _loaded(tab)
        yield tab
    finally:
        await ask("Target.disposeBrowserContext", {"browserContextId": context})


async def _loaded(tab: Tab) -> None:
    """A question that comes while the page replaces the empty one is not answered, or by the empty one."""
    began = time.monotonic()
    while time.monotonic() < began + _LOAD_LIMIT_S:
        with contextlib.suppress(FailureError):
            if (
                await tab.call("((scheme) => location.href.startsWith(scheme) && document.readyState)", "http")
                == "complete"
            ):
                return
        await asyncio.sleep(_LOOK_S)
    raise FailureError("opening a tab", f"the page was not loaded within {_LOAD_LIMIT_S:g} s", "Try again")
