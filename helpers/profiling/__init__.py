"""Workloads, recorders and statistics: what a subscription costs, and what an optimisation is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.lazy import lazy_exports

if TYPE_CHECKING:
    from helpers.profiling.broadcast import profile_broadcast
    from helpers.profiling.comparing import InvestigationChange, compare_investigations
    from helpers.profiling.connection import profile_connection
    from helpers.profiling.everything import profile_everything
    from helpers.profiling.histogram import Histogram
    from helpers.profiling.investigation import Investigation, load_investigation, save_investigation
    from helpers.profiling.ledger import Ledger
    from helpers.profiling.memory import profile_memory
    from helpers.profiling.meters import Meters, Usage
    from helpers.profiling.network_results import LinkLoss, LinkLossProfile, NetworkProfile, NetworkStep
    from helpers.profiling.networks import NETWORKS, profile_link_loss, profile_networks
    from helpers.profiling.recording import Recording
    from helpers.profiling.results import (
        BroadcastProfile,
        BroadcastStep,
        Comparison,
        ConnectionProfile,
        MemoryProfile,
        Profile,
        Profiling,
        Skipped,
        Slope,
    )
    from helpers.profiling.statistics import Gain, Summary
    from helpers.profiling.subscription import compare_subscriptions, profile_subscription
    from helpers.profiling.workloads import (
        Action,
        Audience,
        Burst,
        Churn,
        Constant,
        Poisson,
        Ramp,
        Route,
        StepLoad,
        Tolerance,
        Trace,
        Workload,
        Writer,
        estimate,
        find_knee,
        measure,
    )
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "broadcast": ("profile_broadcast",),
            "comparing": ("InvestigationChange", "compare_investigations"),
            "connection": ("profile_connection",),
            "everything": ("profile_everything",),
            "histogram": ("Histogram",),
            "investigation": ("Investigation", "load_investigation", "save_investigation"),
            "ledger": ("Ledger",),
            "memory": ("profile_memory",),
            "meters": ("Meters", "Usage"),
            "network_results": ("LinkLoss", "LinkLossProfile", "NetworkProfile", "NetworkStep"),
            "networks": ("NETWORKS", "profile_link_loss", "profile_networks"),
            "recording": ("Recording",),
            "results": (
                "BroadcastProfile",
                "BroadcastStep",
                "Comparison",
                "ConnectionProfile",
                "MemoryProfile",
                "Profile",
                "Profiling",
                "Skipped",
                "Slope",
            ),
            "statistics": ("Gain", "Summary"),
            "subscription": ("compare_subscriptions", "profile_subscription"),
            "workloads": (
                "Action",
                "Audience",
                "Burst",
                "Churn",
                "Constant",
                "Poisson",
                "Ramp",
                "Route",
                "StepLoad",
                "Tolerance",
                "Trace",
                "Workload",
                "Writer",
                "estimate",
                "find_knee",
                "measure",
            ),
        },
    )

__all__ = [
    "NETWORKS",
    "Action",
    "Audience",
    "BroadcastProfile",
    "BroadcastStep",
    "Burst",
    "Churn",
    "Comparison",
    "ConnectionProfile",
    "Constant",
    "Gain",
    "Histogram",
    "Investigation",
    "InvestigationChange",
    "Ledger",
    "LinkLoss",
    "LinkLossProfile",
    "MemoryProfile",
    "Meters",
    "NetworkProfile",
    "NetworkStep",
    "Poisson",
    "Profile",
    "Profiling",
    "Ramp",
    "Recording",
    "Route",
    "Skipped",
    "Slope",
    "StepLoad",
    "Summary",
    "Tolerance",
    "Trace",
    "Usage",
    "Workload",
    "Writer",
    "compare_investigations",
    "compare_subscriptions",
    "estimate",
    "find_knee",
    "load_investigation",
    "measure",
    "profile_broadcast",
    "profile_connection",
    "profile_everything",
    "profile_link_loss",
    "profile_memory",
    "profile_networks",
    "profile_subscription",
    "save_investigation",
]
