"""The receiving process: a loop behind the server's, which takes what the server has written so far.

It has turns of its own. While the server still writes to the last subscriber, a receiver of many has begun with the
first: so one turn of the server is several here, or several are one, as it comes to who is quicker.
"""

from __future__ import annotations

import numpy as np

from helpers.capacity.design import Point
from helpers.capacity.loop import Pace, Turns, serve
from helpers.profiling.histogram import Floats
from helpers.profiling.receiving.intake import BLOCK

__all__ = ["receive", "reception_pace"]


def reception_pace(
    turn_s: float, read_s: float, each_s: float, messages: float, *, chill_s: float = 0.0, wake_s: float = 0.0
) -> Pace:
    """How a receiver goes that finds so many messages in each read.

    Args:
        turn_s: of every turn. read_s: of every socket that is read in it. each_s: of every message.
        chill_s: of a turn after a sleep, for each e-fold of it. wake_s: how long it takes to wake.
    """
    most = max(1, int(BLOCK // messages))
    return Pace(turn_s, 0.0, read_s + messages * each_s, chill_s=chill_s, wake_s=wake_s, most=most)


def receive(point: Point, served: Turns, sending: Pace, receiving: Pace) -> tuple[Turns, ...]:
    """The turns of each receiving process; what arrives there are sockets that can be read.

    Args:
        served: the server's turns. sending: how it went. receiving: how a receiver goes.
    """
    begins, step_s = _writing(point.subscribers, served, sending)
    places = np.arange(1, point.subscribers + 1, dtype=np.float64)
    readable: Floats = begins[:, None] + step_s[:, None] * places
    parts = range(min(point.processes, point.subscribers))
    return tuple(serve(readable[:, part :: point.processes].ravel(), receiving) for part in parts)


def _writing(subscribers: int, served: Turns, sending: Pace) -> tuple[Floats, Floats]:
    """When the server begins to write in each turn, at whose end it does, and how long it takes for each subscriber."""
    plain = sending.fixed_s + sending.write_s + sending.each_s * served.messages
    share = np.clip(1 - (sending.fixed_s + sending.alone_s * served.messages) / plain, 0.0, 1.0)
    writing = share * served.lasted_s
    return served.began_s + served.lasted_s - writing, writing / subscribers
