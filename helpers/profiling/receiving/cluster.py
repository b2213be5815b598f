"""Members of a fleet that are workers of a Dask cluster: one of our own on this machine, or one that is named.

`distributed` takes a second to import, and is imported when a cluster is opened.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import warnings
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

import psutil

from helpers.errors import ConnectionFailed, RunError, SettingsError
from helpers.places import cache_dir
from helpers.profiling.receiving import remote
from helpers.profiling.receiving.crew import Member
from helpers.profiling.receiving.remote import Absent, Remote, words

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["MAX_WORKERS", "Dask"]

MAX_WORKERS = 64

#: Interpreter start and imports of all workers.
START_LIMIT_S = 60.0

#: Nothing of Dask's own work beside the measurement: no profiler that looks at the stack a hundred times a second, no
#: web pages, no looking for graphics cards; and an unreachable worker is told soon.
QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.diagnostics.nvml": False,
    "distributed.comm.timeouts.connect": f"{remote.CONNECT_LIMIT_S:g}s",
}

#: Without these being equal, nobody promises that driver, scheduler and workers understand each other.
SPOKEN = ("distributed", "dask")


class Dask:
    """`async with Dask(workers=3) as dask` opens a cluster that fleets can be run on, one after the other.

    Where it has to outlast a block, as in a notebook: `dask = await Dask(workers=3).open()`, in the end `close`.

    Args:
        workers: processes of a cluster on this machine (loopback only), by default 2; or how many workers of the named
            scheduler are to take part, by default all that are there.
        scheduler: address of a scheduler that runs, ``"tcp://10.0.0.5:8786"``; its workers need this package. What
            travels to them is the client's key and the user's token, in clear text unless the address is ``tls://``
            (certificates come from Dask's configuration, `distributed.comm.tls`).

    Raises (on opening):
        SettingsError: the number or the address cannot be used.
        ConnectionFailed: no scheduler answers there.
        RunError: it is one of another version, or the cluster cannot be started.
    """

    def __init__(self, workers: int | None = None, *, scheduler: str | None = None) -> None:
        if workers is not None and not 1 <= workers <= MAX_WORKERS:
            happened = f"{workers} Dask workers are planned"
            raise SettingsError("planning a fleet", happened, f"Choose at least 1 and at most {MAX_WORKERS}")
        self._workers = workers
        self._scheduler = scheduler
        self._stack = AsyncExitStack()
        self._client: Client | None = None
        self._cluster: Any = None  # Dask has types in part only

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> Self:
        """Start or join it; it is this."""
        try:
            self._client = await (self._own() if self._scheduler is None else self._named(self._scheduler))
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def close(self) -> None:
        """End what was started, and leave what was joined."""
        self._client = self._cluster = None
        await self._stack.aclose()

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the processes of our own cluster; none of a scheduler's elsewhere."""
        workers = () if self._cluster is None else self._cluster.workers.values()
        return tuple(worker.pid for worker in workers if worker.pid)

    @asynccontextmanager
    async def members(self, most: int) -> AsyncIterator[Sequence[Member]]:
        """The workers that are there now, and a place for each that is not."""
        client = self._client
        if client is None:
            raise SettingsError("starting a fleet", "the cluster is not open", "Write: async with Dask(…) as dask")
        addresses = sorted((await _scheduler(client).identity(n_workers=-1))["workers"])
        count = min(self._workers or len(addresses), most)
        if not addresses:
            advice = "Start workers, for example: dask worker ADDRESS --nthreads 1"
            raise RunError("starting a fleet", f"{self._scheduler or 'the cluster'} has no workers", advice)
        there = [Remote(client, address, f"worker {place + 1} of {count}") for place, address in enumerate(addresses)]
        absent = [Absent(f"worker {place + 1} of {count}") for place in range(len(there), count)]
        try:
            await asyncio.gather(*(remote.introduce() for remote in there[:count]))
            yield [*there[:count], *absent]
        finally:
            await asyncio.gather(*(remote.dismiss() for remote in there[:count]))

    async def _own(self) -> Client:
        import dask
        from distributed import LocalCluster

        count = self._workers = self._workers or 2
        self._stack.enter_context(dask.config.set(_settings()))
        make: Any = LocalCluster
        self._cluster = cluster = make(
            n_workers=count,
            threads_per_worker=1,
            memory_limit=0,  # none: a worker that Dask pauses or ends would be taken for the target's fault
            host="127.0.0.1",
            dashboard_address=None,
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            silence_logs=logging.CRITICAL,
            asynchronous=True,
        )
        self._stack.push_async_callback(_close, cluster)
        try:
            async with asyncio.timeout(START_LIMIT_S):
                await cluster
        except (RuntimeError, OSError, TimeoutError) as error:
            advice = "In a script, start it below: if __name__ == '__main__'"
            raise RunError(f"starting {count} Dask workers", words(error), advice) from None
        return await self._connected(cluster, count)

    async def _named(self, address: str) -> Client:
        import dask

        self._stack.enter_context(dask.config.set(_settings()))
        client = await self._connected(address, 0)
        theirs = (await _scheduler(client).versions())["packages"]
        ours = _spoken()
        if different := [name for name in SPOKEN if theirs.get(name) != ours[name]]:
            found = ", ".join(f"{name} {theirs.get(name)} and here {ours[name]}" for name in different)
            raise RunError(
                f"joining the Dask scheduler at {address}",
                f"it is of another version: {found}",
                "Install the same versions on both sides",
            )
        return client

    async def _connected(self, to: Any, workers: int) -> Client:
        import distributed
        from distributed.versions import VersionMismatchWarning

        tried = f"joining the Dask scheduler at {getattr(to, 'scheduler_address', to)}"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", VersionMismatchWarning)  # it is told better
                make: Any = distributed.Client
                client = make(to, asynchronous=True, timeout=remote.CONNECT_LIMIT_S, set_as_default=False)
                self._stack.push_async_callback(client.close)
                await client
            if workers:
                await client.wait_for_workers(workers, timeout=START_LIMIT_S)
        except ValueError as error:
            raise SettingsError(tried, words(error), "Give its address, such as tcp://10.0.0.5:8786") from None
        except (OSError, TimeoutError) as error:
            raise ConnectionFailed(tried, words(error), "Start one with: dask scheduler") from None
        joined: Client = client
        return joined


async def _close(cluster: Any) -> None:
    """End our cluster; workers that do not end are killed."""
    processes = list(_processes(cluster))
    try:
        async with asyncio.timeout(remote.CLOSE_LIMIT_S):
            await cluster.close()
    except (OSError, RuntimeError, TimeoutError):
        pass
    finally:
        await asyncio.gather(*map(_kill, processes))


async def _kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess, TimeoutError):
        process.kill()
        async with asyncio.timeout(remote.CLOSE_LIMIT_S):
            while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.01)


def _processes(cluster: Any) -> Iterator[psutil.Process]:
    for worker in cluster.workers.values():
        with contextlib.suppress(psutil.NoSuchProcess):
            if worker.pid:
                yield psutil.Process(worker.pid)


def _settings() -> dict[str, object]:
    """Of Dask, for as long as a cluster is open. What killed workers leave in a folder, the next ones remove."""
    return QUIET | {"temporary-directory": str(cache_dir() / "dask")}


def _scheduler(client: Client) -> Any:
    """Its operations can be called by name."""
    return client.scheduler


def _spoken() -> dict[str, str]:
    import importlib.metadata

    return {name: importlib.metadata.version(name) for name in SPOKEN}
