"""When bytes arrive: the arithmetic of one direction, without I/O."""

from __future__ import annotations

import math
import random

from helpers.lab.network.conditions import Way
from helpers.lab.network.counters import Counters

__all__ = ["Line"]

#: Payload of a TCP segment on Ethernet: 1,500 bytes less 40 of IPv4 and TCP.
SEGMENT_BYTES = 1_460


class Line:
    """A line that sends one thing after another and lets none overtake.

    The same seed and the same messages give the same delays: chance is drawn once for each message and segment, in
    their order.
    """

    def __init__(self, seed: str, counters: Counters) -> None:
        self._random = random.Random(seed)
        self._counters = counters
        self._free_at = 0.0
        self._last_arrival = 0.0

    def sent_at(self, way: Way, size: int, now: float) -> float:
        """When the last of so many bytes has left, at the way's bandwidth."""
        if way.kbit_per_s is None:
            self._free_at = now
        else:
            self._free_at = max(now, self._free_at) + size * 8 / (way.kbit_per_s * 1_000)
        return self._free_at

    def clear(self) -> None:
        """Forget what is still to be sent: the conditions have changed."""
        self._free_at = 0.0

    def arrival(self, way: Way, size: int, sent_at: float) -> float:
        """When what has left then arrives, behind all that left before."""
        late_ms = way.latency_ms + self._random.random() * way.jitter_ms
        for _ in range(math.ceil(size / SEGMENT_BYTES)):
            if self._random.random() < way.loss:
                late_ms += way.stall_ms
                self._counters.stalls += 1
        self._last_arrival = max(self._last_arrival, sent_at + late_ms / 1e3)
        return self._last_arrival
