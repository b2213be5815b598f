"""The load path: to receive near the limit of the machine, with every message accounted for.

intake ← socket             frames of thousands of sockets, stamped at receipt
  ↓
ledger, histogram           number, loss, repetition, order, latency: in blocks, with numpy
  ↓
listener                    a plain function: `Listening` in, `Received` out
  ↓
fleet                       the same by a crew of many, with one start and one result: `Gathered`, a `Recording`
  ├── processes …… member               of this machine
  └── cluster ← remote …… attendance    of a Dask cluster, with clocks of its own
  ↓
measuring                   a workload, written by a process of its own, before a fleet
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.lazy import lazy_exports

if TYPE_CHECKING:
    from helpers.profiling.receiving.cluster import Dask
    from helpers.profiling.receiving.fleet import Fleet
    from helpers.profiling.receiving.gathering import Attended, Gathered, Sending, gathered
    from helpers.profiling.receiving.listener import Listening, listen, receive
    from helpers.profiling.receiving.measuring import FleetRun, measure_with_fleet
    from helpers.profiling.receiving.processes import Processes
    from helpers.profiling.receiving.received import Received
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "cluster": ("Dask",),
            "fleet": ("Fleet",),
            "gathering": ("Attended", "Gathered", "Sending", "gathered"),
            "listener": ("Listening", "listen", "receive"),
            "measuring": ("FleetRun", "measure_with_fleet"),
            "processes": ("Processes",),
            "received": ("Received",),
        },
    )

__all__ = [
    "Attended",
    "Dask",
    "Fleet",
    "FleetRun",
    "Gathered",
    "Listening",
    "Processes",
    "Received",
    "Sending",
    "gathered",
    "listen",
    "measure_with_fleet",
    "receive",
]
