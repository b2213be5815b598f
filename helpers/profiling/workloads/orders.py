"""What the measuring process and the writing process say to each other, a line of JSON each."""

from __future__ import annotations

import msgspec

from helpers.profiling.harness import Harness
from helpers.profiling.histogram import Counts
from helpers.profiling.workloads.workload import Workload
from helpers.target import Target

__all__ = ["WAITING", "Order", "Prepare", "Prepared", "Start", "Written"]


#: The number of rows that wait to be changed. A subscriber that comes soon after may hear of their insert.
WAITING = -2


class Prepare(msgspec.Struct, frozen=True, tag="prepare"):
    """Get ready to write a workload. The target's secrets travel by stdin, as arguments can be read by everybody.

    Attributes:
        first_seq: number of the first message, as it travels.
        topics: of the channels, without prefix.
    """

    target: Target
    workload: Workload
    first_seq: int
    topics: tuple[str, ...] = ()


class Prepared(msgspec.Struct, frozen=True):
    """Ready, or why not.

    Attributes:
        keys: `id` of the rows that wait to be deleted, in the order of the messages that do it.
        full_identity: whether the table has replica identity full.
    """

    error: str = ""
    keys: tuple[int, ...] = ()
    full_identity: bool = False


class Start(msgspec.Struct, frozen=True, tag="start"):
    """Write what was prepared; message `i` is due `due_s[i]` after `at` (seconds of this machine's monotonic clock)."""

    at: float


#: One line in.
Order = Prepare | Start


class Written(msgspec.Struct, frozen=True):
    """What became of a workload.

    Attributes:
        accepted: messages that the target took.
        missing: numbers of those that it did not take, or that were never sent.
        errors: why, and how many.
        late_p99_ms, late_max_ms: how late messages were sent.
        never_waits: whether the sender goes on whatever the target does, so that all lateness is its own.
        harness: how the writing process fared.
        answered: from due to the target's answer; empty for a route without answers.
    """

    accepted: int
    missing: tuple[int, ...]
    errors: dict[str, int]
    late_p99_ms: float
    late_max_ms: float
    never_waits: bool
    harness: Harness
    answered: Counts
