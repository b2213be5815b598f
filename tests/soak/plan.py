"""How much of what happens in a soak, and how the lab is set for it."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.lab import LabSettings
from helpers.lab.changes import ChangeSettings
from helpers.lab.realtime.settings import RealtimeSettings

__all__ = ["Plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One soak. Rates are means over time, kept whatever the lab does.

    Together they stay below a third of the lab's quota of 2,500 events a second, above which changes would be dropped
    in silence and rightly so; the soak looks at the lab's own count of such drops all the same.

    Attributes:
        seconds: of load; the beginning and the end come on top.
        seed: decides what is written, sent and visited, though not how it interleaves.
        writers: connections that write, each `transactions_per_s` of up to `rows_at_once` rows.
        visits_per_s: clients that come; half a minute later they are gone.
        sends_per_s: of each sender of broadcasts.
        rest_s: a row under row level security is left alone so long before it is deleted. Whether a subscriber may see
            a change is asked when it is delivered, so that a row gone by then is rightly seen by nobody.
        migrations_per_s: how often a table enters or leaves the publication, at which all subscriptions are made anew.
        publication_refresh_s: how often the lab looks for that; sooner than its 60 s, so that it happens often.
        idle_timeout_s: after which a silent client is closed; the lab's 66 s shortened, so that many are.
        refusal_delay_s: before a refused handshake or join is answered; less than the genuine 2 s and 5 s keeps more of
            them coming.
    """

    seconds: float
    seed: int
    streaming: bool = False
    writers: int = 3
    transactions_per_s: float = 6.0
    rows_at_once: int = 12
    visits_per_s: float = 8.0
    sends_per_s: float = 8.0
    rest_s: float = 8.0
    migrations_per_s: float = 0.2
    publication_refresh_s: float = 2.0
    idle_timeout_s: float = 22.0
    refusal_delay_s: float = 0.5

    @property
    def heartbeat_s(self) -> float:
        """Of clients that are alive, so that none is taken for silent."""
        return self.idle_timeout_s / 4

    @property
    def settings(self) -> LabSettings:
        """The lab's default quotas; one that does not read is given up at 2 MB, so that filling it takes no seconds."""
        realtime = RealtimeSettings(
            idle_timeout_s=self.idle_timeout_s,
            handshake_error_delay_s=self.refusal_delay_s,
            join_error_delay_s=self.refusal_delay_s,
            write_buffer_bytes=2_000_000,
        )
        changes = ChangeSettings(streaming=self.streaming, publication_refresh_s=self.publication_refresh_s)
        return LabSettings(realtime=realtime, changes=changes)
