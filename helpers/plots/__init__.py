"""Pictures of results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.lazy import lazy_exports
from helpers.plots.theme import caption, finish, theme  # now, as this part has the name of an export

if TYPE_CHECKING:
    from helpers.plots.browser import mounts_plot, pulses_plot, tab_costs_plot
    from helpers.plots.capacity import capacity_check_plot, knee_plot, projection_plot
    from helpers.plots.encoding import encoding_plot
    from helpers.plots.experiments import experiment_plot
    from helpers.plots.herd import herd_plot
    from helpers.plots.keepalive import clients_plot, detection_plot, heartbeat_cost_plot
    from helpers.plots.ladder import ladder_plot, sawtooth_plot
    from helpers.plots.networks import network_plot
    from helpers.plots.pace import pace_plot, slow_reader_plot
    from helpers.plots.paths import limits_plot
    from helpers.plots.policies import plans_plot, policies_plot
    from helpers.plots.preprocessing import preprocessing_plot
    from helpers.plots.profiling import broadcast_plot, bytes_plot, latency_plot
    from helpers.plots.review import subscriptions_plot
    from helpers.plots.shapes import leaks_plot, marginal_plot
    from helpers.plots.sync import sync_plot
    from helpers.plots.waterfall import waterfall_plot
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "browser": ("mounts_plot", "pulses_plot", "tab_costs_plot"),
            "capacity": ("capacity_check_plot", "knee_plot", "projection_plot"),
            "encoding": ("encoding_plot",),
            "experiments": ("experiment_plot",),
            "herd": ("herd_plot",),
            "keepalive": ("clients_plot", "detection_plot", "heartbeat_cost_plot"),
            "ladder": ("ladder_plot", "sawtooth_plot"),
            "networks": ("network_plot",),
            "pace": ("pace_plot", "slow_reader_plot"),
            "paths": ("limits_plot",),
            "policies": ("plans_plot", "policies_plot"),
            "preprocessing": ("preprocessing_plot",),
            "profiling": ("broadcast_plot", "bytes_plot", "latency_plot"),
            "review": ("subscriptions_plot",),
            "shapes": ("leaks_plot", "marginal_plot"),
            "sync": ("sync_plot",),
            "waterfall": ("waterfall_plot",),
        },
    )

__all__ = [
    "broadcast_plot",
    "bytes_plot",
    "capacity_check_plot",
    "caption",
    "clients_plot",
    "detection_plot",
    "encoding_plot",
    "experiment_plot",
    "finish",
    "heartbeat_cost_plot",
    "herd_plot",
    "knee_plot",
    "ladder_plot",
    "latency_plot",
    "leaks_plot",
    "limits_plot",
    "marginal_plot",
    "mounts_plot",
    "network_plot",
    "pace_plot",
    "plans_plot",
    "policies_plot",
    "preprocessing_plot",
    "projection_plot",
    "pulses_plot",
    "sawtooth_plot",
    "slow_reader_plot",
    "subscriptions_plot",
    "sync_plot",
    "tab_costs_plot",
    "theme",
    "waterfall_plot",
]
