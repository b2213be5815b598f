"""What can be chosen about the canary."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from helpers.errors import SettingsError
from helpers.resilience.backoff import BackoffSettings

__all__ = ["CanarySettings"]

#: One client that comes back need not spread; it may not hammer either.
_BACKOFF = BackoffSettings(base_s=0.25, cap_s=1.0, spread_s=0.25, reset_after_s=5.0)


@dataclass(frozen=True, slots=True)
class CanarySettings:
    """Times in seconds.

    Attributes:
        every_s: between two messages of a path. An outage is known to this precision.
        patience_s: a message that takes longer makes an outage. A server that polls takes up to 0.6 s by design.
        forget_s: a message that takes longer is lost.
        heartbeat_s: between heartbeats; shorter than the clients' 25 s, as a canary is to notice first.
        timeout_s: for connecting, and for the answer to a heartbeat. join_timeout_s: until changes are delivered.
        rejoin_s: a channel that is silent for so long is joined anew, if the server answers otherwise.
        connect_every_s: between two connections that are opened only to be timed.
        resources_s: between two looks at CPU, memory, slots and other sources of metrics.
        backoff: between attempts to connect.
        payload_bytes: text in each message.
    """

    every_s: float = 1.0
    patience_s: float = 1.0
    forget_s: float = 30.0
    heartbeat_s: float = 5.0
    timeout_s: float = 4.0
    join_timeout_s: float = 15.0
    rejoin_s: float = 10.0
    connect_every_s: float = 60.0
    resources_s: float = 10.0
    backoff: BackoffSettings = field(default=_BACKOFF)
    payload_bytes: int = 100

    def __post_init__(self) -> None:
        tried = "setting up the canary"
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name != "backoff" and not 0 < value <= 1_000_000:
                raise SettingsError(tried, f"{one.name} is {value!r}", "Give a number above 0 and at most 1,000,000")
        if self.every_s < 0.05:
            raise SettingsError(tried, f"every_s is {self.every_s:g}", "Send 20 messages a second at most")
        if self.forget_s <= self.patience_s:
            raise SettingsError(tried, "forget_s is not more than patience_s", "Wait longer before a message is lost")
