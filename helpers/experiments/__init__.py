"""Experiments: a question, arms that run side by side, and an answer that is computed from the run."""

from __future__ import annotations

from helpers.experiments.experiment import Contrast, Estimate, Experiment, Measure, Metric, Outcome, estimate
from helpers.experiments.rounds import run_rounds
from helpers.experiments.size import Size, experiment_size

__all__ = [
    "Contrast",
    "Estimate",
    "Experiment",
    "Measure",
    "Metric",
    "Outcome",
    "Size",
    "estimate",
    "experiment_size",
    "run_rounds",
]
