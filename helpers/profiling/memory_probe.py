"""The process whose memory is measured: `python -m helpers.profiling.memory_probe`, one `Question` on its stdin.

A fresh process, because it traces every allocation, which would slow a notebook down. Allocations are traced, and not
the resident size read, because the latter moves in steps larger than a subscription. What OpenSSL holds for a `wss`
connection is not traced. The process answers with `Answer` and ends; it also ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import threading
import tracemalloc

import msgspec

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
    """Traced memory (bytes) after each step, for each way to subscribe, or what went wrong."""

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
    """Memory that live Python objects hold, buffers included."""
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _end_with_stdin() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    question = msgspec.json.decode(sys.stdin.buffer.readline(), type=Question)
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    tracemalloc.start()
    try:
        found = asyncio.run(answer(question))
    except WorkbookError as error:
        found = Answer(error=error.happened)
    sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
