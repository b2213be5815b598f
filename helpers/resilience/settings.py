"""What can be chosen about surviving, and what a recovery consists of.

How long it takes until a change arrives that is committed once the server is back:

    what happened                                  is bounded by
    ---------------------------------------------  ------------------------------------------------------------------
    a loss that is told: reset, restart            the delay of `backoff`, a connection and a join; for many clients
                                                   the delay is the spread that their number needs (`spread_for`)
    a link that is dead without a word             `heartbeat_s` + `timeout_s` until that is known, and then the same
    changes that Realtime lost without a word      `audit_s`: a slot that is gone with what was in it, a rate that is
                                                   exceeded
    a join that the server refuses                 its delay of 5 s, and then `backoff`
    a server that took over                        one reading of the table besides: its log is another one

Whatever becomes of the socket, the database is read after `poll_after_s` and then at least every `poll_max_s`, by half
longer at most: where it can be reached, that bounds all but the second and the third. The vendor's times are the
defaults; trials with a heartbeat of 1 s and a look every 2 s show the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from helpers.errors import SettingsError
from helpers.resilience.backoff import BackoffSettings

__all__ = ["ResilienceSettings"]


@dataclass(frozen=True, slots=True)
class ResilienceSettings:
    """Times in seconds.

    Attributes:
        heartbeat_s: between heartbeats, 25 as in the vendor's clients. timeout_s: for the answer to
            one. A dead link is found within their sum, so within two heartbeats. The server answers nothing during the
            5 s by which it delays a refusal: with a shorter limit a refused channel looks like a dead link.
        connect_timeout_s: a refused handshake is answered after 2 s.
        join_timeout_s: from a join until changes are delivered; a cold start takes seconds.
        joins_per_s: of this client, all channels together; the free plan's limit for all clients is 100.
        backoff: between attempts.
        poll_after_s: without a stream, before the database is polled. poll_min_s, poll_max_s: between two polls: the
            former after one that found something, growing to the latter while none does.
        audit_s: while the stream is up, between two looks whether it brought everything; None never looks. What
            Realtime loses without a word (a slot that is gone, a rate that is exceeded) arrives at the next look.
        patience_s: how long a subscription that worked before is tried again although the server says that the table
            is not published: that is what it also says while a publication is being changed.
        tick_s: between two looks at the clocks.
    """

    heartbeat_s: float = 25.0
    timeout_s: float = 10.0
    connect_timeout_s: float = 10.0
    join_timeout_s: float = 20.0
    joins_per_s: float = 20.0
    backoff: BackoffSettings = field(default_factory=BackoffSettings)
    poll_after_s: float = 3.0
    poll_min_s: float = 1.0
    poll_max_s: float = 15.0
    audit_s: float | None = 30.0
    patience_s: float = 300.0
    tick_s: float = 1.0

    def __post_init__(self) -> None:
        times = (
            self.heartbeat_s,
            self.timeout_s,
            self.join_timeout_s,
            self.joins_per_s,
            self.poll_min_s,
            self.tick_s,
            self.connect_timeout_s,
        )
        orderly = self.timeout_s <= self.heartbeat_s and self.poll_min_s <= self.poll_max_s
        if min(times) <= 0 or not orderly or (self.audit_s is not None and self.audit_s <= 0):
            raise SettingsError(
                "planning a subscription that survives",
                f"{self}",
                "Choose times above 0, timeout_s of at most heartbeat_s, and poll_min_s of at most poll_max_s",
            )
