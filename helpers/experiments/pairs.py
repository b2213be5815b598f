"""Any two arms of an experiment, compared round by round."""

from __future__ import annotations

from helpers.experiments.experiment import Experiment
from helpers.profiling.statistics import Gain, paired_gain

__all__ = ["gain_between"]


def gain_between(experiment: Experiment, metric: str, before: str, after: str) -> Gain | None:
    """What `after` changed against `before`; None where they have fewer than two rounds in common, or a value of 0."""
    known = next(each for each in experiment.metrics if each.name == metric)
    values = {(measure.arm, measure.run): measure.value for measure in experiment.measures if measure.metric == metric}
    runs = sorted({run for _, run in values})
    first, second = ([values.get((arm, run)) for run in runs] for arm in (before, after))
    return paired_gain(metric, known.unit, first, second, higher_is_better=known.higher_is_better)
