"""How much the lab carries, and what many clients would take: service times, a model, its check, projections.

The way of a number: a `design` names loads; each is measured on the `bench` (`observe`, with a `crowd` of `listener`s)
as CPU seconds of server, database and client; `service` fits service times (`costs`) to them, and with those `loop`
and `reception` serve a load, whose `activity` they tell; `model` predicts, `check` compares predictions with loads that
were held out, `growth` asks how far a load can grow, and `projection` how many servers many clients need. `quota` and
`published` hold what the vendor says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.lazy import lazy_exports

if TYPE_CHECKING:
    from helpers.capacity.capacity import Capacity, measure_capacity
    from helpers.capacity.check import Check, CheckRow
    from helpers.capacity.design import Design, Flow, Point, design_of
    from helpers.capacity.frames import ceilings_frame, plans_frame, projections_frame, published_frame
    from helpers.capacity.growth import TARGETS, Axis, Ceiling, Goal, ceilings
    from helpers.capacity.model import Interval, Load, Model, Prediction
    from helpers.capacity.projection import CLIENTS, Assumptions, Projection, project
    from helpers.capacity.quota import QuotaUse, Traffic, most_subscribers, quota_use
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "capacity": ("Capacity", "measure_capacity"),
            "growth": ("TARGETS", "Axis", "Ceiling", "Goal", "ceilings"),
            "check": ("Check", "CheckRow"),
            "design": ("Design", "Flow", "Point", "design_of"),
            "frames": ("ceilings_frame", "plans_frame", "projections_frame", "published_frame"),
            "model": ("Interval", "Load", "Model", "Prediction"),
            "projection": ("CLIENTS", "Assumptions", "Projection", "project"),
            "quota": ("QuotaUse", "Traffic", "most_subscribers", "quota_use"),
        },
    )

__all__ = [
    "CLIENTS",
    "TARGETS",
    "Assumptions",
    "Axis",
    "Capacity",
    "Ceiling",
    "Check",
    "CheckRow",
    "Design",
    "Flow",
    "Goal",
    "Interval",
    "Load",
    "Model",
    "Point",
    "Prediction",
    "Projection",
    "QuotaUse",
    "Traffic",
    "ceilings",
    "ceilings_frame",
    "design_of",
    "measure_capacity",
    "most_subscribers",
    "plans_frame",
    "project",
    "projections_frame",
    "published_frame",
    "quota_use",
]
