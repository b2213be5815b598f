"""Workloads as data: who writes, by which route, when, and who listens; `measure` carries one out.

    workload = Workload(route=Route.BROADCAST, rate=Poisson(200), seconds=2)
    recording = await measure(target, workload, Audience(subscribers=10), label="ten listeners")

The floors, from the ground: `rates`, `workload`, `matching`, `audience` are data; `senders` and `process` live in the
writing process, which `writer` starts and asks by `orders`; `recorder` is the books, `reception` the subscribers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.lazy import lazy_exports

if TYPE_CHECKING:
    from helpers.profiling.workloads.audience import Audience, Churn
    from helpers.profiling.workloads.knee import Step, StepLoad, Tolerance, find_knee
    from helpers.profiling.workloads.measuring import measure
    from helpers.profiling.workloads.quota import Expected, estimate, permit
    from helpers.profiling.workloads.rates import Burst, Constant, Poisson, Ramp, Rate, Trace
    from helpers.profiling.workloads.workload import Action, Encoding, Route, Workload
    from helpers.profiling.workloads.writer import Writer
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "audience": ("Audience", "Churn"),
            "knee": ("Step", "StepLoad", "Tolerance", "find_knee"),
            "measuring": ("measure",),
            "quota": ("Expected", "estimate", "permit"),
            "rates": ("Burst", "Constant", "Poisson", "Ramp", "Rate", "Trace"),
            "workload": ("Action", "Encoding", "Route", "Workload"),
            "writer": ("Writer",),
        },
    )

__all__ = [
    "Action",
    "Audience",
    "Burst",
    "Churn",
    "Constant",
    "Encoding",
    "Expected",
    "Poisson",
    "Ramp",
    "Rate",
    "Route",
    "Step",
    "StepLoad",
    "Tolerance",
    "Trace",
    "Workload",
    "Writer",
    "estimate",
    "find_knee",
    "measure",
    "permit",
]
