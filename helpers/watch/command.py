"""The two commands: watch a target until it is interrupted, and write what Prometheus and Grafana read."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from helpers import session
from helpers.errors import RunError, SettingsError
from helpers.objectives import Objectives
from helpers.target import Target
from helpers.watch.lodging import lodging

if TYPE_CHECKING:
    from helpers.monitoring.canary import Canary
    from helpers.monitoring.exporter import Exporter, Sink

__all__ = ["alerts_command", "saving", "watch_command"]

#: Between two times that what was seen is saved.
SAVE_S = 300.0


def alerts_command(arguments: argparse.Namespace) -> int:
    """Write rules, configurations and dashboard.

    Args:
        arguments: `out` (a folder), `objectives` (a file or None), `port` (of the canary), `force`.

    Raises:
        WorkbookError: the objectives cannot be read, or the folder not written.
    """
    from helpers.monitoring.files import write_files

    written = write_files(arguments.out, _objectives(arguments.objectives), port=arguments.port, force=arguments.force)
    console = Console(highlight=False)
    for path in written:
        console.print(str(path), soft_wrap=True)
    return 0


def watch_command(arguments: argparse.Namespace) -> int:
    """Watch until `for` seconds have passed, or Ctrl-C.

    Args:
        arguments: `target` (``"lab"``, ``"env"`` or None), `port`, `every`, `duration` (seconds or None),
            `objectives` (a file or None), `server_metrics` and `otel` (whether).

    Returns:
        0 if every channel served at the end, else 1.

    Raises:
        WorkbookError: `.env` or an option cannot be used, or the lab did not start.
        KeyboardInterrupt: Ctrl-C, or SIGTERM; everything that was started is gone by then.
    """
    objectives = _objectives(arguments.objectives)
    if arguments.duration is not None and not 0 < arguments.duration < math.inf:
        tried, happened = "reading the options", f"--for {arguments.duration:g} is no time"
        raise SettingsError(tried, happened, "Take seconds, for example 60")
    return asyncio.run(_until_terminated(arguments, objectives))


def _objectives(path: Path | None) -> Objectives:
    return Objectives() if path is None else Objectives.from_file(path)


async def _until_terminated(arguments: argparse.Namespace, objectives: Objectives) -> int:
    """SIGTERM and the end of its terminal end it as Ctrl-C does: in order."""
    task = asyncio.current_task()
    assert task is not None
    for name in ("SIGTERM", "SIGHUP"):
        with contextlib.suppress(AttributeError, NotImplementedError):  # where there are no such signals
            asyncio.get_running_loop().add_signal_handler(getattr(signal, name), task.cancel)
    try:
        async with _target(arguments.target) as target:
            return await _watch(target, arguments, objectives)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _watch(target: Target, arguments: argparse.Namespace, objectives: Objectives) -> int:
    from helpers.monitoring.canary import CanarySettings, watching
    from helpers.monitoring.exporter import Exporter
    from helpers.monitoring.watched import save_longest, seen_by
    from helpers.watch.garbage import collect_in_small
    from helpers.watch.view import show

    settings = CanarySettings(every_s=arguments.every)
    async with AsyncExitStack() as stack:
        exporter = await stack.enter_async_context(Exporter(objectives, arguments.port))
        if arguments.server_metrics:
            await stack.enter_async_context(_others(target, exporter))
        sink = stack.enter_context(_also_otel(exporter, objectives)) if arguments.otel else exporter
        canary = await stack.enter_async_context(watching(target, sink, settings))
        collect_in_small()
        await stack.enter_async_context(saving(canary, target))
        try:
            served = await show(canary, objectives, exporter.address, str(target), arguments.duration)
        finally:
            Console(highlight=False).print(save_longest(seen_by(canary, target)), soft_wrap=True)
    return 0 if served else 1


@asynccontextmanager
async def saving(canary: Canary, target: Target) -> AsyncIterator[None]:
    """What was seen so far is saved now and then: nobody can promise that there will be an end in order."""
    from helpers.monitoring.watched import save_longest, seen_by

    async def save() -> None:
        while True:
            await asyncio.sleep(SAVE_S)
            with contextlib.suppress(RunError):  # a disk that is full now may have room later; the end tells it
                save_longest(seen_by(canary, target))

    work = asyncio.create_task(save())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


@asynccontextmanager
async def _others(target: Target, exporter: Exporter) -> AsyncIterator[None]:
    """The server's own metrics beside the canary's."""
    from helpers.monitoring.scrape import Others, sources

    found = sources(target)
    if not found:
        advice = "Set SUPABASE_SECRET_KEY, or leave --server-metrics out"
        raise SettingsError("reading the server's metrics", f"there is no secret key for the {target}", advice)
    others = Others(found, exporter)
    exporter.include(others)
    work = asyncio.create_task(others.run())
    try:
        yield
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


@contextlib.contextmanager
def _also_otel(exporter: Exporter, objectives: Objectives) -> Iterator[Sink]:
    """The same measurements to Prometheus and to an OpenTelemetry collector."""
    from helpers.monitoring.otel import Both, OtelSink, otlp_reader

    with OtelSink([otlp_reader()], objectives) as otel:
        yield Both(exporter, otel)


@asynccontextmanager
async def _target(asked: str | None) -> AsyncIterator[Target]:
    """The project as `.env` names it, or a lab of its own."""
    if session.which_target(asked) == "env":
        async with lodging(session.env_target(session.read_settings())) as target:
            yield target
        return
    from helpers.lab import Lab  # imports the web stack, which a project does not need

    async with Lab() as lab:
        yield lab.target
