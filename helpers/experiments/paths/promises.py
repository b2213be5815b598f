"""What each path promises, tried: rows committed while nobody was there, and a row that is larger than 8,000 bytes."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers.errors import FailureError
from helpers.experiments.paths.catalog import Path, paths_of
from helpers.experiments.paths.readers import Plan, reader_of
from helpers.experiments.paths.stage import Stage, open_stage
from helpers.experiments.size import Size
from helpers.profiling.results import Skipped
from helpers.results import utc_now
from helpers.target import Target

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LARGE_BYTES", "Kept", "Promises", "try_promises"]

#: Rows that are committed while the subscriber is away.
MISSED = 3

#: And so long after them it comes back. A server that polls finds a row up to 500 ms after its commit, and gives it to
#: whoever has subscribed meanwhile.
AWAY_S = 0.8

#: NOTIFY takes payloads below 8,000 bytes (PostgreSQL, NOTIFY).
LARGE_BYTES = 9_000

#: So long a row that is promised may take: the longest wait of a path, and a server that is busy.
_ARRIVAL_LIMIT_S = 3.0


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the rows by one path.

    Attributes:
        caught_up: of those committed while the subscriber was away, how many it got when it came back.
        large: whether the large row arrived. refused: why it could not even be inserted; empty if it could.
    """

    path: Path
    caught_up: int
    large: bool
    refused: str = ""

    @property
    def away(self) -> str:
        return f"{self.caught_up} of {MISSED} arrived after it came back"

    @property
    def large_row(self) -> str:
        if self.refused:
            return f"the INSERT failed: {self.refused}"
        return "arrived" if self.large else "did not arrive"


@dataclass(frozen=True, slots=True, repr=False)
class Promises:
    """Of all paths whose messages are rows; broadcasts of clients promise what `realtime.send` does."""

    target: str
    taken_at: str
    kept: tuple[Kept, ...]
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """One row for each path: what was tried, and what its makers say."""
        import pandas as pd

        rows = [
            (one.path.name, one.away, one.large_row, one.path.order, one.path.loss, one.path.rights, one.path.limit)
            for one in self.kept
        ]
        columns = ["path", "tried: away", f"tried: {LARGE_BYTES:,} bytes", "order", "lost", "who may read", "limit"]
        return pd.DataFrame(rows, columns=columns).set_index("path")

    @property
    def answer(self) -> str:
        """What to take from it."""
        kept = [one.path.name for one in self.kept if one.caught_up == MISSED]
        lost = [one.path.name for one in self.kept if one.caught_up < MISSED]
        refused = [one.path.name for one in self.kept if one.refused]
        told = [
            f"A subscriber that was away misses rows by {', '.join(lost) or 'no path'} and must read again; "
            f"by {', '.join(kept) or 'no path'} it catches up by itself."
        ]
        if refused:
            told.append(f"By {', '.join(refused)} the INSERT of a row of {LARGE_BYTES:,} bytes fails with its message.")
        return " ".join([*told, *self.notes])

    def __str__(self) -> str:
        return f"{self.to_frame().T.to_string()}\n\n{self.answer}\n{self.target}, {self.taken_at}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return f"{self.to_frame().to_html()}<p><strong>{self.answer}</strong></p>"


async def try_promises(target: Target) -> Promises | Skipped:
    """Let a subscriber of each path miss some rows, and send it a large one. Takes a few seconds; nothing is timed.

    Raises:
        FailureError: a path could not be set up.
    """
    if not (target.writes_allowed and target.database_url):
        return Skipped("what paths promise", "it writes rows: set DATABASE_URL and WORKBOOK_ALLOW_WRITES=yes")
    async with contextlib.AsyncExitStack() as stack:
        paths = [path for path in paths_of(Size.SMALL) if path.stores_row]
        stages = [await stack.enter_async_context(open_stage(target, path)) for path in paths]
        tried = await asyncio.gather(*(_tried(stage) for stage in stages))
    kept = tuple(one for one in tried if isinstance(one, Kept))
    if not kept:
        raise next(one for one in tried if isinstance(one, FailureError))
    return Promises(str(target), utc_now(), kept, tuple(_left_out(tried, paths)))


async def _tried(stage: Stage) -> Kept | FailureError:
    """One path that cannot be had leaves the others: a project's REST shows the schemas that its settings name."""
    try:
        return await _try(stage)
    except FailureError as error:
        return error


def _left_out(tried: Sequence[Kept | FailureError], paths: Sequence[Path]) -> Iterator[str]:
    for path, found in zip(paths, tried, strict=True):
        if isinstance(found, FailureError):
            yield f"{path.name} was not tried, because {found.happened}."


async def _try(stage: Stage) -> Kept:
    first = secrets.randbelow(1 << 40)
    for number in range(MISSED):
        await _insert(stage, first + number, "missed")
    await asyncio.sleep(AWAY_S)
    large, last = first + MISSED, first + MISSED + 1
    arrived, complete = set[int](), asyncio.Event()

    def enter(_subscriber: int, seq: int, _received_at: float, _size_bytes: int) -> None:
        arrived.add(seq)
        if seq == last:  # what was told before it has come before it
            complete.set()

    # What the subscriber had before it left ended below `first`: a cursor is all that it kept.
    async with reader_of(Plan(stage.target, stage.path, stage.table.name, stage.name, first, 1)) as reader:
        reader.enter = enter
        refused = await _refusal(stage, large)
        await _insert(stage, last, "the last")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(complete.wait(), _ARRIVAL_LIMIT_S)
    return Kept(stage.path, sum(first + number in arrived for number in range(MISSED)), large in arrived, refused)


async def _refusal(stage: Stage, seq: int) -> str:
    """Insert the large row; why that failed, if it did."""
    try:
        await _insert(stage, seq, "x" * LARGE_BYTES)
    except FailureError as error:
        return error.happened
    return ""


async def _insert(stage: Stage, seq: int, body: str) -> None:
    await stage.table.run(f"insert into {stage.table.quoted} (seq, body) values (%s, %s)", [seq, body])
