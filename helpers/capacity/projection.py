"""From one server to many clients: what 10 thousand, 1 million and 100 million of them would take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from helpers.capacity.capacity import Capacity
from helpers.capacity.design import Flow
from helpers.capacity.growth import TARGETS, Axis, Goal, ceilings
from helpers.capacity.model import Interval, Load, Model
from helpers.capacity.published import not_published
from helpers.capacity.quota import HOSTED, QuotaUse, Traffic, list_price, quota_use
from helpers.plans import Plan

__all__ = ["CLIENTS", "Assumptions", "Projection", "project"]

CLIENTS: tuple[int, ...] = (10_000, 1_000_000, 100_000_000)


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a projection rests on besides the measured times.

    Attributes:
        subscribers: of each channel; each client has one.
        sent_per_client_s: messages (or changes) that each client causes.
        online: share of the clients that are connected at the peak. active: share of the month they are, on average.
        headroom: how much of a server's loop is kept free: for bursts, and for servers that fail.
    """

    flow: Flow = Flow.BROADCAST
    subscribers: int = 20
    sent_per_client_s: float = 0.05
    body_bytes: int = 400
    online: float = 1.0
    active: float = 0.25
    headroom: float = 0.4

    @property
    def rate_per_s(self) -> float:
        """On each channel."""
        return self.sent_per_client_s * self.subscribers

    def sentences(self) -> tuple[str, ...]:
        """For people."""
        return (
            f"each client is on one channel with {self.subscribers} subscribers and causes "
            f"{self.sent_per_client_s:g} messages a second of {self.body_bytes} bytes ({self.flow})",
            f"{self.online:.0%} of the clients are connected at the peak, for {self.active:.0%} of the month",
            f"{self.headroom:.0%} of each server stay free, and channels are spread evenly over servers",
            "servers are like the lab's: one event loop on one core of this machine; nothing is lost between servers",
        )


@dataclass(frozen=True, slots=True)
class Projection:
    """What so many clients would take.

    Attributes:
        connections: at the peak. sent_per_s, deliveries_per_s: then.
        messages_per_month, egress_gb_per_month: as they are billed.
        list_dollars: a month for these by the Team plan's price list, if it were sold at any size.
        channels_per_server: with headroom, and the targets that another server helps to meet. limit: what is reached
            first there.
        servers: of one core each; infinite where another server does not help.
        server_gb: memory of all connections.
        plan: the smallest that carries it. refused: what the largest one refuses.
        not_published: why no published figure covers it; empty if one does.
    """

    clients: int
    given: Assumptions
    connections: float
    sent_per_s: float
    deliveries_per_s: float
    messages_per_month: float
    egress_gb_per_month: float
    list_dollars: float
    channels_per_server: Interval
    limit: str
    servers: Interval
    server_gb: float
    plan: str
    refused: tuple[str, ...]
    not_published: str


#: Targets that another server helps to meet. The others hang on the channel or the client, and are asked of them alone.
_SHARED = tuple(goal for goal in TARGETS if goal.name in ("connect", "delivery"))


def project(
    capacity: Capacity, clients: Sequence[int] = CLIENTS, given: Assumptions | None = None
) -> tuple[Projection, ...]:
    """Project to each number of clients.

    The intervals hold what the fit leaves open, and how far predictions of held-out loads were off; what the
    assumptions leave open they do not.
    """
    given, model = given or Assumptions(), capacity.model
    load = Load(given.flow, given.subscribers, 1, given.rate_per_s, given.body_bytes)
    headroom = Goal("headroom", 1 - given.headroom, "cores", lambda one: one.server_cores)
    goals = (_READS, *_SHARED[:1]) if given.flow.is_change else (headroom, *_SHARED)
    first = ceilings(model, load, Axis.CHANNELS, goals)[0]
    each = _widened(first.at, capacity.check.typical_error)
    return tuple(_project(model, count, given, first.goal, each) for count in clients)


def _widened(found: Interval, error: float) -> Interval:
    """An interval of the fit, and the errors that were seen where it was not fitted (as standard deviation)."""
    below, above = 1 - found.low / found.value, found.high / found.value - 1
    return Interval(
        found.value,
        found.value / (1 + math.hypot(below, 1.96 * error)),
        found.value * (1 + math.hypot(above, 1.96 * error)),
    )


#: All changes of a project are read by one poller, whatever the number of servers: it must not fall behind.
_READS = Goal("one reader of changes", 1.0, "", lambda one: 0.0 if math.isfinite(one.delivery_p95_ms) else 2.0)


def _project(model: Model, clients: int, given: Assumptions, limit: str, each: Interval) -> Projection:
    connections = clients * given.online
    channels = connections / given.subscribers
    frame_bytes = given.body_bytes + model.envelope_bytes[given.flow]
    traffic = Traffic(given.flow, given.subscribers, given.rate_per_s, channels, frame_bytes, given.active)
    uses = [quota_use(plan, traffic) for plan in HOSTED]
    return Projection(
        clients=clients,
        given=given,
        connections=connections,
        sent_per_s=given.rate_per_s * channels,
        deliveries_per_s=traffic.deliveries_per_s,
        messages_per_month=traffic.messages_per_month,
        egress_gb_per_month=traffic.egress_gb_per_month,
        list_dollars=list_price(Plan.TEAM, traffic),
        channels_per_server=each,
        limit=limit,
        servers=_servers(channels, each, shared=not given.flow.is_change),
        server_gb=connections * model.idle.server_bytes.per_one / 1e9,
        plan=_smallest(uses),
        refused=uses[-1].refused,
        not_published=not_published(given.flow, connections, traffic.deliveries_per_s, given.rate_per_s * channels),
    )


def _servers(channels: float, each: Interval, *, shared: bool) -> Interval:
    """How many servers share the channels; where they cannot, one or none."""

    def count(of_one: float) -> float:
        if of_one >= channels:
            return 1.0
        return math.ceil(channels / of_one) if of_one and shared else math.inf

    return Interval(count(each.value), count(each.high), count(each.low))


def _smallest(uses: Sequence[QuotaUse]) -> str:
    return next((use.plan.value for use in uses if use.fits), "not on any published plan")
