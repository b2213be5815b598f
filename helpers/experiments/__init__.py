"""Experiments: a question, arms that run side by side, and an answer that is computed from the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.lazy import lazy_exports

if TYPE_CHECKING:
    from helpers.experiments.browser import compare_mounts, compare_tab_costs, watch_hidden_tabs
    from helpers.experiments.claims import compare_claims
    from helpers.experiments.encoding import compare_compression, compare_encodings, sweep_encodings
    from helpers.experiments.experiment import Contrast, Estimate, Experiment, Measure, Metric, Outcome, estimate
    from helpers.experiments.fan_out import compare_fan_out
    from helpers.experiments.filter_choice import filter_verdict
    from helpers.experiments.filters import compare_filters, compare_selects
    from helpers.experiments.head_of_line import compare_head_of_line
    from helpers.experiments.heartbeat_cost import HeartbeatCost, PerHeartbeat, profile_heartbeat_cost
    from helpers.experiments.herd import Herds, compare_herds
    from helpers.experiments.identities import compare_replica_identities
    from helpers.experiments.keepalive import compare_heartbeats, compare_idle_timeouts
    from helpers.experiments.ladder import Ladder, compare_ladder
    from helpers.experiments.leaks import LeakCase, LeakStudy, compare_leaks, find_leak
    from helpers.experiments.marginal import compare_marginal_costs
    from helpers.experiments.marginal_results import MarginalCost, MarginalCosts
    from helpers.experiments.official import compare_official_clients
    from helpers.experiments.offline import compare_offline
    from helpers.experiments.optimism import Optimism, measure_optimism
    from helpers.experiments.pace import compare_paces, compare_slow_readers, compare_source_paces, watch_slow_reader
    from helpers.experiments.paths import PathLimits, Promises, compare_paths, find_path_limits, try_promises
    from helpers.experiments.policies import compare_policies
    from helpers.experiments.policy_plans import PolicyPlans, explain_policies
    from helpers.experiments.preprocessing import compare_preprocessing
    from helpers.experiments.quick_lab import start_quick_lab, stop_quick_lab
    from helpers.experiments.recovery import Recoveries, measure_recovery
    from helpers.experiments.revalidation import compare_revalidation
    from helpers.experiments.rounds import run_rounds
    from helpers.experiments.shapes import compare_shapes
    from helpers.experiments.size import Size, experiment_size
    from helpers.experiments.survival import compare_survival
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "browser": ("compare_mounts", "compare_tab_costs", "watch_hidden_tabs"),
            "claims": ("compare_claims",),
            "encoding": ("compare_compression", "compare_encodings", "sweep_encodings"),
            "experiment": ("Contrast", "Estimate", "Experiment", "Measure", "Metric", "Outcome", "estimate"),
            "fan_out": ("compare_fan_out",),
            "filter_choice": ("filter_verdict",),
            "filters": ("compare_filters", "compare_selects"),
            "head_of_line": ("compare_head_of_line",),
            "heartbeat_cost": ("HeartbeatCost", "PerHeartbeat", "profile_heartbeat_cost"),
            "herd": ("Herds", "compare_herds"),
            "identities": ("compare_replica_identities",),
            "keepalive": ("compare_heartbeats", "compare_idle_timeouts"),
            "ladder": ("Ladder", "compare_ladder"),
            "leaks": ("LeakCase", "LeakStudy", "compare_leaks", "find_leak"),
            "marginal": ("compare_marginal_costs",),
            "marginal_results": ("MarginalCost", "MarginalCosts"),
            "official": ("compare_official_clients",),
            "offline": ("compare_offline",),
            "optimism": ("Optimism", "measure_optimism"),
            "pace": ("compare_paces", "compare_slow_readers", "compare_source_paces", "watch_slow_reader"),
            "paths": ("PathLimits", "Promises", "compare_paths", "find_path_limits", "try_promises"),
            "policies": ("compare_policies",),
            "policy_plans": ("PolicyPlans", "explain_policies"),
            "preprocessing": ("compare_preprocessing",),
            "quick_lab": ("start_quick_lab", "stop_quick_lab"),
            "recovery": ("Recoveries", "measure_recovery"),
            "revalidation": ("compare_revalidation",),
            "rounds": ("run_rounds",),
            "shapes": ("compare_shapes",),
            "size": ("Size", "experiment_size"),
            "survival": ("compare_survival",),
        },
    )

__all__ = [
    "Contrast",
    "Estimate",
    "Experiment",
    "HeartbeatCost",
    "Herds",
    "Ladder",
    "LeakCase",
    "LeakStudy",
    "MarginalCost",
    "MarginalCosts",
    "Measure",
    "Metric",
    "Optimism",
    "Outcome",
    "PathLimits",
    "PerHeartbeat",
    "PolicyPlans",
    "Promises",
    "Recoveries",
    "Size",
    "compare_claims",
    "compare_compression",
    "compare_encodings",
    "compare_fan_out",
    "compare_filters",
    "compare_head_of_line",
    "compare_heartbeats",
    "compare_herds",
    "compare_idle_timeouts",
    "compare_ladder",
    "compare_leaks",
    "compare_marginal_costs",
    "compare_mounts",
    "compare_official_clients",
    "compare_offline",
    "compare_paces",
    "compare_paths",
    "compare_policies",
    "compare_preprocessing",
    "compare_replica_identities",
    "compare_revalidation",
    "compare_selects",
    "compare_shapes",
    "compare_slow_readers",
    "compare_source_paces",
    "compare_survival",
    "compare_tab_costs",
    "estimate",
    "experiment_size",
    "explain_policies",
    "filter_verdict",
    "find_leak",
    "find_path_limits",
    "measure_optimism",
    "measure_recovery",
    "profile_heartbeat_cost",
    "run_rounds",
    "start_quick_lab",
    "stop_quick_lab",
    "sweep_encodings",
    "try_promises",
    "watch_hidden_tabs",
    "watch_slow_reader",
]
