"""What is repeated, by which client, and how a probe is told: the words that both probes share."""

from __future__ import annotations

from enum import StrEnum

import msgspec

__all__ = ["Client", "Growth", "Habit", "Order"]


class Client(StrEnum):
    """Whose memory is looked at."""

    WORKBOOK = "workbook"  # the measuring client of this package
    PYTHON = "supabase-py"
    JAVASCRIPT = "supabase-js"


class Habit(StrEnum):
    """What an application does again and again."""

    REMOVE = "subscribe, remove"  # a new topic each time, properly taken away: the cycle that must not leak
    KEEP = "subscribe, never remove"  # a new topic each time: "too many channels" after 100 on a socket
    DUPLICATE = "the same topic again"  # as a component does that mounts twice
    HANDLER = "handlers never taken off"  # on one channel, as a component does that renders again
    SEND = "send without subscribing"  # over HTTP, to a new topic each time, and never removed


class Order(msgspec.Struct, frozen=True):
    """What a probe does: `blocks` times so many `cycles`, with a look before and after `settle_s` of rest.

    Attributes:
        warm_up: cycles of the first habit before anything is looked at: what is made only once is made then, and what
            a just-in-time compiler makes of code that runs often.
        pause_s: between two cycles, for a target with a quota.
        timeout_s: of the client, for its own pushes; what it holds until then is no leak.
        leak_bytes: so many bytes are held for good in each cycle, to see whether they are found.
        parts: the folder with `node_modules`, for the probe that runs on Node.
    """

    client: Client
    habit: Habit
    api_url: str
    key: str
    blocks: int
    cycles: int
    warm_up: int
    timeout_s: float
    settle_s: float
    pause_s: float = 0.0
    leak_bytes: int = 0
    parts: str = ""


class Growth(msgspec.Struct, frozen=True):
    """What a probe saw; the first entries are from before the first cycle.

    Attributes:
        cycles: done by then.
        held: bytes right after a block. settled: and after the rest.
        channels: that the client itself counts as its own, after the rest.
        refused: cycles in which the client said no, and what it said last.
        error: why there is nothing else.
    """

    cycles: tuple[int, ...] = ()
    held: tuple[int, ...] = ()
    settled: tuple[int, ...] = ()
    channels: tuple[int, ...] = ()
    refused: int = 0
    refusal: str = ""
    error: str = ""
