"""What the runs of an experiment say, metric by metric, against its baseline."""

from __future__ import annotations

from collections.abc import Sequence

from helpers.experiments.experiment import Contrast, Experiment

__all__ = ["leaders"]


def leaders(experiment: Experiment, metrics: Sequence[str]) -> str:
    """A sentence for each metric: who is best in it and who is worst, and by how much, where that was shown."""
    return " ".join(_sentence(experiment, metric) for metric in metrics)


def _sentence(experiment: Experiment, metric: str) -> str:
    compared = [contrast for contrast in experiment.contrasts if contrast.gain.metric == metric]
    if not compared:
        return f"{_capital(metric)}: not compared here."
    gains = sorted((one for one in compared if one.gain.shown), key=_improvement)
    ends = [gains[0]] if gains and _improvement(gains[0]) < 0 else []
    if gains and _improvement(gains[-1]) > 0:
        ends.insert(0, gains[-1])
    if not ends:
        return f"{_capital(metric)}: no difference from “{experiment.arms[0]}” shown."
    return f"{_capital(metric)}: " + "; ".join(f"“{one.after}” is {one.gain.verdict}" for one in ends) + "."


def _improvement(contrast: Contrast) -> float:
    """In percent; negative where it is worse."""
    gain = contrast.gain
    return gain.change_percent if gain.higher_is_better else -gain.change_percent


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
