"""When to write, so that the waits of a polling server are met as they are spread and not as chance would have it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from helpers.lab.changes import ChangeSettings

__all__ = ["idle_moments"]


def idle_moments(count: int) -> Sequence[float]:
    """Seconds to wait after the last delivery: one idle interval, and a moment of the next one.

    The moments are spread evenly over the interval and come in random order. A server that looks at once after a
    delivery, and then each interval, is so met at all its phases alike. With moments drawn at random the median of 20
    isolated changes is off by 50 ms once in three times, and with moments that do not cover whole intervals always.
    """
    interval_s = ChangeSettings().poll_idle_s
    moments = [interval_s * (1 + (number + random.random()) / count) for number in range(count)]
    random.shuffle(moments)
    return moments
