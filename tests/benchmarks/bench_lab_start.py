"""How long a lab takes from `Lab.start()` to ready, and from `stop()` to gone.

Cold: no database template yet, so one is made first. Warm: the template is there and is copied. The parts that run on
Node are installed before; the operating system's file cache is as it is.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.lab import Lab
from helpers.node import npm_parts

COLD_ROUNDS = 5
WARM_ROUNDS = 10


def main() -> None:
    """Print the table."""
    parts = npm_parts().parent
    with _empty_caches(parts):
        asyncio.run(_cycle())  # what is measured is our work, not the first reading of the files from the disk
    cold = [_measured(parts) for _ in range(COLD_ROUNDS)]
    warm = [asyncio.run(_cycle()) for _ in range(WARM_ROUNDS)]
    print(f"{'':16}{'n':>4}{'median':>9}{'quartiles':>16}{'min':>8}{'max':>8}   seconds")
    for name, cycles in (("cold", cold), ("warm", warm)):
        _print_row(f"start, {name}", [start for start, _ in cycles])
    _print_row("stop", [stop for _, stop in cold + warm])


def _measured(parts: Path) -> tuple[float, float]:
    with _empty_caches(parts):
        return asyncio.run(_cycle())


async def _cycle() -> tuple[float, float]:
    """Start a lab and stop it: seconds for each."""
    began = time.monotonic()
    lab = await Lab.start()
    ready = time.monotonic()
    await lab.stop()
    return ready - began, time.monotonic() - ready


@contextmanager
def _empty_caches(parts: Path) -> Iterator[None]:
    """Caches that hold nothing but what is installed for Node. Root's template lies with the temporary files."""
    folder = Path(tempfile.mkdtemp(prefix="wb", dir="/tmp"))
    folder.chmod(0o755)
    (folder / "npm").symlink_to(parts)
    kept = {name: os.environ.get(name) for name in ("WORKBOOK_CACHE_DIR", "TMPDIR")}
    os.environ.update(WORKBOOK_CACHE_DIR=str(folder), TMPDIR=str(folder))
    tempfile.tempdir = None  # read TMPDIR again
    try:
        yield
    finally:
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        tempfile.tempdir = None
        shutil.rmtree(folder)


def _print_row(name: str, seconds: list[float]) -> None:
    low, median, high = statistics.quantiles(seconds, n=4)
    quartiles = f"{low:.2f} to {high:.2f}"
    row = f"{name:16}{len(seconds):>4}{median:>9.2f}{quartiles:>16}{min(seconds):>8.2f}{max(seconds):>8.2f}"
    print(row, flush=True)
