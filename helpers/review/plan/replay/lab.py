"""A lab for replays: the real server's waits, one connection that asks policies as it has, no quotas in the way."""

from __future__ import annotations

from helpers.lab import Lab, LabSettings
from helpers.lab.changes import ChangeSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings

__all__ = ["POLL_IDLE_S", "replay_lab"]

#: Of the real server (`replication_poller.ex`).
POLL_IDLE_S = ChangeSettings().poll_idle_s

#: Tables come and go with each arm; each stands before anybody subscribes to it.
_REFRESH_S = 3_600.0


def replay_lab(*, poll_idle_s: float = POLL_IDLE_S) -> Lab:
    """One that is not started yet: `async with replay_lab() as lab`.

    Args:
        poll_idle_s: how long it waits when there was nothing; less than the real server makes latencies shorter than
            they are, and replays quicker.
    """
    limits = Limits(users=2_000, joins_per_s=10_000, events_per_s=1e9)
    changes = ChangeSettings(
        evaluation_connections=1, cold_start_s=(0.0, 0.0), publication_refresh_s=_REFRESH_S, poll_idle_s=poll_idle_s
    )
    return Lab(LabSettings(realtime=RealtimeSettings(limits=limits), changes=changes))
