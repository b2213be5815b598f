"""The process whose memory is measured: `python -m helpers.profiling.memory_probe`, one `Question` on its stdin.

A fresh process, because memory that a notebook used before hides what a subscription takes. It answers with `Answer`
and ends; it also ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import threading

import msgspec
import psutil

from helpers.client import RealtimeClient
from helpers.errors import WorkbookError
from helpers.target import Target
from helpers.wire.join import ChangeBinding, JoinConfig

__all__ = ["Answer", "Question"]

SUBSCRIBE_LIMIT_S = 20.0


class Question(msgspec.Struct, frozen=True):
    """How many subscriptions to open on what; `table` is None for broadcast channels."""

    target: Target
    table: str | None
    subscriptions: int
    step: int


class Answer(msgspec.Struct, frozen=True):
    """Memory of this process (bytes) after each step, for each way to subscribe, or what went wrong."""

    subscriptions: tuple[int, ...] = ()
    shared_socket: tuple[int, ...] = ()
    own_socket: tuple[int, ...] = ()
    error: str = ""


async def answer(question: Question) -> Answer:
    """Open the subscriptions twice: all on one socket, then each on its own."""
    counts = tuple(range(0, question.subscriptions + 1, question.step))
    return Answer(counts, await _grow(question, shared=True), await _grow(question, shared=False))


async def _grow(question: Question, *, shared: bool) -> tuple[int, ...]:
    async with contextlib.AsyncExitStack() as stack:
        client = await stack.enter_async_context(RealtimeClient(question.target))
        await _subscribe(client, question, "first")  # whatever is made only once is made now
        sizes = [_memory_bytes()]
        for number in range(1, question.subscriptions + 1):
            if not shared:
                client = await stack.enter_async_context(RealtimeClient(question.target))
            await _subscribe(client, question, str(number))
            if number % question.step == 0:
                sizes.append(_memory_bytes())
        return tuple(sizes)


async def _subscribe(client: RealtimeClient, question: Question, name: str) -> None:
    changes = (ChangeBinding(schema=question.target.schema, table=question.table),) if question.table else ()
    channel = client.channel(f"workbook:memory:{name}", JoinConfig(changes=changes))
    await channel.subscribe(timeout=SUBSCRIBE_LIMIT_S)


def _memory_bytes() -> int:
    """Memory that would be free if this process ended: shared libraries do not count."""
    gc.collect()
    return int(psutil.Process().memory_full_info().uss)


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    question = msgspec.json.decode(sys.stdin.buffer.readline(), type=Question)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    try:
        found = asyncio.run(answer(question))
    except WorkbookError as error:
        found = Answer(error=error.happened)
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
