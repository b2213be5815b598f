"""How messages are written, one sender for each kind of route. They live in the writing process."""

from __future__ import annotations

from helpers.profiling.workloads.orders import Prepare
from helpers.profiling.workloads.senders.sender import Sender
from helpers.profiling.workloads.workload import Route

__all__ = ["Sender", "sender_of"]


def sender_of(order: Prepare) -> Sender:
    """The sender of an order's route; what others need is not imported."""
    route = order.workload.route
    if route in (Route.SQL, Route.DATABASE):
        from helpers.profiling.workloads.senders.sql import SqlSender

        return SqlSender(order)
    if route is Route.BROADCAST:
        from helpers.profiling.workloads.senders.socket import SocketSender

        return SocketSender(order)
    if route is Route.PRISMA:
        from helpers.profiling.workloads.senders.prisma import PrismaSender

        return PrismaSender(order)
    from helpers.profiling.workloads.senders.http import HttpSender

    return HttpSender(order)
