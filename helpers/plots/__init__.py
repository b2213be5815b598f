"""Pictures of results."""

from __future__ import annotations

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
from helpers.plots.shapes import leaks_plot, marginal_plot
from helpers.plots.sync import sync_plot
from helpers.plots.theme import caption, finish, theme
from helpers.plots.waterfall import waterfall_plot

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
    "network_plot",
    "pace_plot",
    "plans_plot",
    "policies_plot",
    "preprocessing_plot",
    "projection_plot",
    "sawtooth_plot",
    "slow_reader_plot",
    "sync_plot",
    "theme",
    "waterfall_plot",
]
