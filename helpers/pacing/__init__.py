"""Between a stream that does not wait and a handler that takes its time: what waits, what goes, and when it is handed.

    queue = BoundedQueue(1_000, when_full=WhenFull.COALESCE, key=lambda event: event.payload["id"])
    channel.on_event(queue.offer)
    async for newest in throttled(queue, every_s=0.1):
        render(newest)

A queue decides *what is kept* (`WhenFull`), and counts everything that it does not keep. A pacer decides *when* what is
there goes to the application: `each` one by one, `batches` by number or by time, `throttled` at most so often. The two
combine freely: throttling a queue of one is what libraries call *throttle*, a coalescing queue is *last value wins*.
"""

from __future__ import annotations

from helpers.pacing.pacers import batches, each, throttled
from helpers.pacing.queue import BoundedQueue, QueueCounts, WhenFull

__all__ = ["BoundedQueue", "QueueCounts", "WhenFull", "batches", "each", "throttled"]
