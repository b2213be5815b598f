"""A relay in front of a target that compresses, in a process of its own."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import psutil

from helpers.errors import FailureError
from helpers.profiling.worker import Worker, WorkerGone
from helpers.stream.compressor import Behind, Compression, Listening
from helpers.target import Target

__all__ = ["Compression", "Relay", "relay"]

START_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Relay:
    """A running relay.

    Attributes:
        targets: what clients use for each kind of compression: the target behind, through this relay.
        process: for its CPU time.
    """

    targets: dict[Compression, Target]
    process: psutil.Process


@contextlib.asynccontextmanager
async def relay(target: Target) -> AsyncIterator[Relay]:
    """Put a relay in front of a target.

    Raises:
        FailureError: it did not start.
    """
    async with Worker("helpers.stream.compressor") as worker:
        try:
            found = await worker.ask(Behind(target.realtime_url), Listening, START_LIMIT_S)
        except WorkerGone as gone:
            raise FailureError("starting a relay", str(gone), "Try again") from None
        targets = {kind: replace(target, api_url=f"http://127.0.0.1:{port}") for kind, port in found.ports.items()}
        yield Relay(targets, psutil.Process(worker.pid))
