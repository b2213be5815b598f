"""What the runs of a comparison of paces say: who falls behind where, who is freshest, who ends with wrong values."""

from __future__ import annotations

from helpers.experiments.experiment import Experiment

__all__ = ["age_at", "growth_at", "knees", "levels_of", "verdict"]

#: A handler falls behind if the delay of what it shows grows by more than this, in ms a second.
NOTABLE_GROWTH = 200.0

_AGE_AT, _GROWTH_AT = "age at ", "delay grows at "


def age_at(level: float) -> str:
    """The name of the metric: age of what is shown while the rate is that multiple of what the handler can follow."""
    return f"{_AGE_AT}{level:g}×"


def growth_at(level: float) -> str:
    """The name of the metric: by how much the delay of what is shown grows meanwhile; 0 while the handler keeps up."""
    return f"{_GROWTH_AT}{level:g}×"


def levels_of(experiment: Experiment) -> tuple[float, ...]:
    """The rates at which paces were compared, ascending, as multiples of what the handler follows one by one."""
    names = [metric.name for metric in experiment.metrics]
    return tuple(sorted(float(name[len(_AGE_AT) : -1]) for name in names if name.startswith(_AGE_AT)))


def knees(experiment: Experiment) -> dict[str, float | None]:
    """For each pace the first rate at which it is shown to fall behind, as a multiple of what the handler can follow.

    It does where the delay of what it shows grows and grows. None where that is not shown at any rate.
    """
    levels = levels_of(experiment)
    return {arm: next((one for one in levels if _falls_behind(experiment, arm, one)), None) for arm in experiment.arms}


def _falls_behind(experiment: Experiment, arm: str, level: float) -> bool:
    return experiment.estimate(arm, growth_at(level)).low > NOTABLE_GROWTH


def verdict(experiment: Experiment) -> str:
    """Who falls behind where, who is freshest at the highest rate and at what price, and who ends with wrong values."""
    top = age_at(levels_of(experiment)[-1])
    return f"{_fallen(experiment)} {_freshest(experiment, top)} {_wrong(experiment)}"


def _fallen(experiment: Experiment) -> str:
    fallen = [f"“{arm}” from {level:g}× on" for arm, level in knees(experiment).items() if level is not None]
    said = f"Fall behind: {', '.join(fallen)}." if fallen else "None was shown to fall behind at these rates."
    untold = [f"“{arm}”" for arm in experiment.arms if not _is_told(experiment, arm)]
    return f"{said} Too few turns to tell of {', '.join(untold)}." if untold else said


def _is_told(experiment: Experiment, arm: str) -> bool:
    """Whether it had turns enough, at some rate, for a trend in them."""
    return any(experiment.values(arm, growth_at(level)) for level in levels_of(experiment))


def _freshest(experiment: Experiment, metric: str) -> str:
    shown = [one for one in experiment.contrasts if one.gain.metric == metric and one.gain.shown]
    best = min(shown, key=lambda one: one.gain.change_percent, default=None)
    if best is None or best.gain.change_percent > 0:
        return f"{metric.capitalize()}: no pace is shown to be fresher than “{experiment.arms[0]}”."
    left_out, cpu = (experiment.estimate(best.after, name).mean for name in ("never shown", "handler's CPU"))
    price = f"it left out {left_out:.0f} % of the updates and took {cpu:.0f} % of a core"
    return f"{metric.capitalize()}: “{best.after}” is {best.gain.verdict}; {price}."


def _wrong(experiment: Experiment) -> str:
    wrong = {arm: experiment.estimate(arm, "wrong in the end").mean for arm in experiment.arms}
    named = [f"“{arm}” ({keys:.3g} keys)" for arm, keys in wrong.items() if keys > 0]
    return (
        f"Wrong in the end, and for good: {', '.join(named)}." if named else "All showed the right values in the end."
    )
