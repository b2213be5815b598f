"""Reading many files on all processors; few are read right here.

The processes are started fresh (spawn), so that they inherit neither threads nor locks of a notebook's kernel, and end
with the process that started them, however that dies.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

from helpers.review.code.reading import Batch, Result, read_batch
from helpers.review.files import SourceFile
from helpers.review.inventory import Unread

__all__ = ["read_all"]

#: Starting processes takes about half a second, in which one process reads some hundred files.
FEW_FILES = 400
#: Small enough that progress is seen and no processor waits long for the last batch.
BATCH_FILES = 100
#: More do not help: the files come from one disk, and the results go to one process.
MOST_PROCESSES = 8


def read_all(work: Batch, say: Callable[[int], None]) -> Iterator[Result]:
    """Read the files of a batch, in pieces.

    Args:
        say: is told, from time to time, how many files have been read.
    """
    pieces = _pieces(work)
    processes = min(MOST_PROCESSES, _processors(), len(pieces))
    if len(work.files) <= FEW_FILES or processes < 2:
        done = 0
        for piece in pieces:
            yield read_batch(piece)
            done += len(piece.files)
            say(done)
        return
    yield from _in_processes(pieces, processes, say)


def _pieces(work: Batch) -> list[Batch]:
    files = work.files
    return [replace(work, files=files[at : at + BATCH_FILES]) for at in range(0, len(files), BATCH_FILES)]


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def _in_processes(pieces: Sequence[Batch], processes: int, say: Callable[[int], None]) -> Iterator[Result]:
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_begin)
    done = 0
    try:
        waiting = {pool.submit(read_batch, piece): piece for piece in pieces}
        for future in as_completed(waiting):
            yield _result(future, waiting[future].files)
            done += len(waiting[future].files)
            say(done)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _result(future: Future[Result], files: Sequence[SourceFile]) -> Result:
    try:
        return future.result()
    except BrokenProcessPool:
        reason = (
            "the process that read it ended early; a script that calls the review needs `if __name__ == '__main__'`"
        )
        return Result((), tuple(Unread(file.path, reason) for file in files))


def _begin() -> None:
    """In a process of the pool: leave Ctrl-C to the parent, and end when it has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
