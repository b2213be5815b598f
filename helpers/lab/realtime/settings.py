"""What the lab's Realtime server can be told: its delays, its limits, its keys.

Every default is the genuine server's own (supabase/realtime v2.129.8, self-hosted), unless a comment says otherwise.
Durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from helpers.target import mask

__all__ = ["Limits", "RealtimeSettings", "Secrets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The quotas of one project; each is a row of the plan table (docs: realtime/limits)."""

    users: int = 200
    channels_per_client: int = 100
    joins_per_s: float = 100.0
    events_per_s: float = 2_500.0
    """Sends and deliveries together. 100 self-hosted and on the free plan; 2,500 is the largest plan's, so that a
    workload measures the server and not its quota."""
    presence_events_per_s: float = 1_000.0
    presence_calls: int = 5
    """Calls of one channel to track and untrack within `presence_window_s`."""
    presence_window_s: float = 30.0
    payload_bytes: int = 3_000_000
    frame_bytes: int = 5_000_000
    batch_messages: int = 100
    """Messages in one HTTP broadcast; the self-hosted server's equals its 100 events per second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeSettings:
    """How the server behaves; tests shorten the delays, experiments change the limits."""

    handshake_error_delay_s: float = 2.0
    join_error_delay_s: float = 5.0
    idle_timeout_s: float = 66.0
    """A silent socket is closed 60 to 66 s after its last frame: the server looks ten times a minute."""
    rate_tick_s: float = 5.0
    rate_ticks: int = 12
    """Rates are means over up to `rate_ticks` periods of `rate_tick_s`, judged at the end of each period."""
    resubscribe_delay_s: tuple[float, float] = (1.0, 3.0)
    """After a new token the changes go on with the old claims for a random time between these two."""
    private_only: bool = False
    write_buffer_bytes: int = 16_000_000
    """A reader with more than this waiting for it is closed. The genuine server kills its channel at 50 MB."""
    authorization_connections: int = 4
    """Database connections that read the policies of private channels; the genuine server has 10."""
    broadcast_slot: str = "supabase_realtime_messages_replication_slot"
    """Through which broadcasts come from the database; one server of a cluster can have it at a time."""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the server signs and recognises: the HS256 secret of all tokens, and the two keys that are no tokens."""

    jwt_secret: str = field(repr=False)
    publishable_key: str = field(repr=False)
    secret_key: str = field(repr=False)

    def __str__(self) -> str:
        return f"publishable {mask(self.publishable_key)}, secret {mask(self.secret_key)}"
