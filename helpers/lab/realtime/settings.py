"""What the lab's Realtime server can be told: its delays, its limits, its keys.

Every default is the genuine server's own (supabase/realtime v2.129.8, self-hosted), unless a comment says otherwise.
Durations are seconds. The quotas of the hosted plans are in `helpers.plans`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from helpers import plans
from helpers.plans import Quota
from helpers.target import mask

__all__ = ["Limits", "Plan", "RealtimeSettings", "Secrets"]

Plan = Literal["lab", "self-hosted", "free", "pro", "pro-no-spend-cap", "team"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The quotas of one project, the lab's by default; each is a row of the plan table (docs: realtime/limits)."""

    users: int = 200
    channels_per_client: int = 100
    joins_per_s: float = 100.0
    events_per_s: float = 2_500.0
    """Sends and deliveries together. 100 self-hosted and on the free plan; 2,500 is the largest plan's, so that a
    workload measures the server and not its quota."""
    presence_events_per_s: float = 1_000.0
    presence_calls: int = 5
    """Calls of one channel to track and untrack within `presence_window_s`. (The page of quotas also names 10 presence
    keys per object, of which the server knows nothing: `realtime_channel/presence_handler.ex`.)"""
    presence_window_s: float = 30.0
    payload_bytes: int = 3_000_000
    frame_bytes: int = 5_000_000
    batch_messages: int = 100
    """Messages in one HTTP broadcast: as many as events in a second (`tenants/batch_broadcast.ex`), but for the lab."""

    @classmethod
    def of(cls, plan: Plan, **changes: Any) -> Limits:
        """The quotas of a plan, but for those named."""
        return replace(_PLANS[plan], **changes)

    @classmethod
    def from_file(cls, plan: Any, changes: Any) -> Any:
        """What a settings file says of quotas, completed by those of its plan; as it is if either is none."""
        known = isinstance(plan, str) and plan in _PLANS and isinstance(changes, Mapping)
        return {**asdict(_PLANS[plan]), **changes} if known else changes


def _limits(quota: Quota, **changes: Any) -> Limits:
    """The limits of a server that keeps a plan's quota."""
    known = Limits(
        users=quota.connections,
        channels_per_client=quota.channels_per_connection,
        joins_per_s=quota.joins_per_s,
        events_per_s=quota.messages_per_s,
        presence_events_per_s=quota.presence_messages_per_s,
        payload_bytes=quota.broadcast_bytes,
    )
    return replace(known, **changes)


def _hosted(plan: plans.Plan) -> Limits:
    """A plan of the hosted service, where the batches of HTTP have the quota of events."""
    quota = plans.QUOTAS[plan]
    return _limits(quota, batch_messages=quota.messages_per_s)


_LAB = Limits()
_PLANS: dict[Plan, Limits] = {
    "lab": _LAB,
    "self-hosted": _limits(plans.QUOTAS[plans.Plan.SELF_HOSTED]),
    "free": _hosted(plans.Plan.FREE),
    "pro": _hosted(plans.Plan.PRO),
    "pro-no-spend-cap": _hosted(plans.Plan.PRO_NO_SPEND_CAP),
    "team": _hosted(plans.Plan.TEAM),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeSettings:
    """How the server behaves; tests shorten the delays, experiments change the limits."""

    plan: Plan = "lab"
    """Whose quotas `limits` has where it is not given. In a settings file, single limits can be given beside a plan;
    in Python, `limits=Limits.of("free", users=7)` does the same."""
    handshake_error_delay_s: float = 2.0
    join_error_delay_s: float = 5.0
    idle_timeout_s: float = 66.0
    """A silent socket is closed 60 to 66 s after its last frame: the server looks ten times a minute."""
    no_channel_timeout_s: float = 600.0
    """A socket is ended when it has not joined anything for so long after it opened, and one that has left all its
    channels at the server's next look; it looks in these intervals (`config/runtime.exs`, NO_CHANNEL_TIMEOUT_IN_MS)."""
    rate_tick_s: float = 5.0
    rate_ticks: int = 12
    """Rates are means over up to `rate_ticks` periods of `rate_tick_s`, judged at the end of each period."""
    rates_warm: bool = False
    """Whether rates begin as on a server that has run for `rate_ticks` periods, and so let a burst through at once. A
    counter whose limit is changed begins anew all the same."""
    resubscribe_delay_s: tuple[float, float] = (1.0, 3.0)
    """After a new token the changes go on with the old claims for a random time between these two."""
    changes_wait_limit_s: float = 20.0
    """A join that asks for it is answered when its changes are subscribed to, and waits no longer than this
    (`config/config.exs`, postgres_changes_wait_max_timeout; servers from September 2026 on)."""
    private_only: bool = False
    suspend: bool = False
    """Whether the project is switched off: every handshake is refused."""
    shutdown_linger_s: float = 5.0
    """A server that ends closes sockets that have channels; the others are cut off after this time."""
    write_buffer_bytes: int = 16_000_000
    """A reader with more than this waiting for it is closed. The genuine server kills its channel at 50 MB."""
    authorization_connections: int = 4
    """Database connections that read the policies of private channels; the genuine server has 10."""
    broadcast_slot: str = "supabase_realtime_messages_replication_slot"
    """Through which broadcasts come from the database; one server of a cluster can have it at a time."""
    jwks: Mapping[str, Any] = field(default_factory=dict)
    """A JSON Web Key Set as identity providers publish it, ``{"keys": […]}``: tokens that one of its keys signed are
    accepted (RS, ES, Ed25519, and HS with an `oct` key), besides those of the project's own keys."""
    limits: Limits = _LAB

    def __post_init__(self) -> None:
        if self.limits is _LAB:
            object.__setattr__(self, "limits", _PLANS[self.plan])


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the server signs and recognises: the HS256 secret of all tokens, and the two keys that are no tokens."""

    jwt_secret: str = field(repr=False)
    publishable_key: str = field(repr=False)
    secret_key: str = field(repr=False)

    def __str__(self) -> str:
        return f"publishable {mask(self.publishable_key)}, secret {mask(self.secret_key)}"
