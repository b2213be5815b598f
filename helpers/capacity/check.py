"""Whether the model is right where it was not fitted: predicted, measured, error, point by point.

A measurement is no truth: each comes with its interval, and whether a prediction is near it may be too close to tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from helpers.capacity.activity import counted, metered, predicted, served_of
from helpers.capacity.costs import MODELS, Costs, Meter, Way
from helpers.capacity.design import Design, Flow, Point, Role
from helpers.capacity.least_squares import fit_relative
from helpers.capacity.loop import Turns
from helpers.capacity.model import interval
from helpers.capacity.observe import Observation
from helpers.capacity.service import ServiceTimes
from helpers.experiments import Estimate
from helpers.profiling.statistics import student_t975

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["TOLERANCE_PERCENT", "Check", "CheckRow", "agreed", "check"]

_CHECKING = (Role.HELD_OUT, Role.CONFIRMATION)

#: What a prediction may be off by.
TOLERANCE_PERCENT = 20.0


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One prediction.

    Attributes:
        what: is predicted, with its unit.
        low, high: 95 % interval of one measurement.
        measured: what the rounds agree on, with its 95 % interval: by as much it differs from one run of them to the
            next.
        role: what the point is for.
    """

    point: Point
    what: str
    predicted: float
    low: float
    high: float
    measured: Estimate
    role: Role

    @property
    def held_out(self) -> bool:
        """Whether the model was not fitted to this point."""
        return self.role is not Role.FITTED

    @property
    def error_percent(self) -> float:
        """By how much the prediction is off."""
        return _off_percent(self.predicted, self.measured.mean)

    @property
    def holds(self) -> bool:
        """Whether that is within the tolerance."""
        return abs(self.error_percent) <= TOLERANCE_PERCENT

    @property
    def is_sure(self) -> bool:
        """Whether that is so for every value within the interval of what was measured; never after a single round."""
        least, most = (_off_percent(self.predicted, end) for end in (self.measured.high, self.measured.low))
        if self.holds:
            return least >= -TOLERANCE_PERCENT and most <= TOLERANCE_PERCENT
        return least > TOLERANCE_PERCENT or most < -TOLERANCE_PERCENT


def _off_percent(predicted: float, measured: float) -> float:
    return 100 * (predicted / measured - 1)


@dataclass(frozen=True, slots=True)
class Check:
    """All predictions, of fitted points too, whose errors tell how well the model can do at best."""

    rows: tuple[CheckRow, ...]

    @property
    def held_out(self) -> tuple[CheckRow, ...]:
        """Those that the verdict rests on: of all loads that the model was not fitted to."""
        return tuple(row for row in self.rows if row.held_out)

    def of(self, role: Role) -> tuple[CheckRow, ...]:
        """Those of one kind of loads."""
        return tuple(row for row in self.rows if row.role is role)

    @property
    def holds(self) -> bool:
        """Whether every prediction of a held-out point is within the tolerance, and there is one."""
        return bool(self.held_out) and all(row.holds for row in self.held_out)

    @property
    def median_error_percent(self) -> float:
        """Half of the held-out predictions are nearer than this; NaN if nothing was held out."""
        return float(np.median([abs(row.error_percent) for row in self.held_out])) if self.held_out else math.nan

    @property
    def typical_error(self) -> float:
        """Of a held-out prediction of CPU time: the root of the mean square, as a share."""
        errors = [row.error_percent / 100 for row in self.held_out if "CPU" in row.what]
        return float(np.sqrt(np.mean(np.square(errors)))) if errors else TOLERANCE_PERCENT / 100

    @property
    def verdict(self) -> str:
        """In a sentence."""
        rows = self.held_out
        if not rows:
            return "The model was not checked: no load was held out."
        limit, typical = f"within {TOLERANCE_PERCENT:.0f} %", f"half of them within {self.median_error_percent:.0f} %"
        counts = " and ".join(_count(some, role) for role in _CHECKING if (some := self.of(role)))
        worst = max(rows, key=lambda row: abs(row.error_percent))
        begin = "The model holds" if self.holds else "The model does not hold everywhere"
        end = f"the worst is {worst.error_percent:+.0f} % ({worst.what}; {worst.point})"
        return f"{begin}: {counts} are {limit} of what was measured, {typical}; {end}. {_doubt(rows)}"

    def to_frame(self, *, held_out: bool | None = None) -> pd.DataFrame:
        """One row for each prediction: of points that were not fitted, of fitted ones, or of all."""
        import pandas as pd

        rows = [row for row in self.rows if held_out is None or row.held_out is held_out]
        return pd.DataFrame(
            {
                "set": [str(row.role) for row in rows],
                "load": [str(row.point) for row in rows],
                "what": [row.what for row in rows],
                "predicted": [row.predicted for row in rows],
                "interval": [f"{row.low:.3g} to {row.high:.3g}" for row in rows],
                "measured": [row.measured.mean for row in rows],
                "its interval": [f"{row.measured.low:.3g} to {row.measured.high:.3g}" for row in rows],
                "error (%)": [row.error_percent for row in rows],
                "within 20 %": ["yes" if row.holds else "no" for row in rows],
                "surely": ["yes" if row.is_sure else "too noisy to tell" for row in rows],
            }
        )


def _count(rows: Sequence[CheckRow], role: Role) -> str:
    """ "15 of 17 predictions for held-out loads"."""
    name = "held-out loads" if role is Role.HELD_OUT else "the confirmation"
    within = sum(row.holds for row in rows)
    return f"{'all' if within == len(rows) else f'{within} of'} {len(rows)} predictions for {name}"


def _doubt(rows: Sequence[CheckRow]) -> str:
    """Whether the measurement can tell at all."""
    if all(row.measured.n < 2 for row in rows):
        return "A single round cannot tell how far a measurement is from the next one."
    unsure = sum(not row.is_sure for row in rows)
    return f"Of {unsure} of these {len(rows)} the measurement is too noisy to tell surely." if unsure else "All surely."


def check(times: ServiceTimes, observations: Sequence[Observation], design: Design) -> Check:
    """Predict every point that was measured."""
    points = dict.fromkeys(one.point for one in observations)
    return Check(
        tuple(
            row
            for point in points
            for row in _rows(times, point, [one for one in observations if one.point == point], design.role_of(point))
        )
    )


def agreed(values: Sequence[float]) -> Estimate:
    """What several rounds say of one load, with its 95 % interval (Student's t on the logarithm).

    Found as service times are: every round counts, those that are far off from the others with less than their weight.
    """
    fit = fit_relative(np.ones((len(values), 1)), np.array(values))
    centre = float(fit.coefficients[0])
    if len(values) < 2:
        return Estimate(centre, math.nan, math.nan, 1)
    half = student_t975(len(values) - 1) * fit.scatter / math.sqrt(len(values))
    return Estimate(centre, centre * math.exp(-half), centre * math.exp(half), len(values))


def _rows(times: ServiceTimes, point: Point, mine: Sequence[Observation], role: Role) -> Iterator[CheckRow]:
    seconds, polled_s = fmean(one.seconds for one in mine), fmean(one.polled_s for one in mine)
    way = Way.of(point.flow)
    every = (times.best, *times.draws[::_EVERY])
    sent = [one.sent_s for one in mine if one.sent_s]  # what is predicted is the load as it was
    served = [served_of(point, costs, sent) for costs in every]
    for meter in (Meter.SERVER, Meter.DATABASE, Meter.CLIENT):
        if (way, meter) in MODELS and not (meter is Meter.CLIENT and point.flow is Flow.SECURED):
            measured = agreed([1e3 * metered(one, meter) / one.seconds for one in mine])
            used = [_used_s(*both, point, meter, seconds, polled_s) for both in zip(every, served, strict=True)]
            values = [1e3 * one / seconds for one in used]
            low, high = _of_one(values, times.scatter_of(way, meter))
            yield CheckRow(point, f"{meter} CPU, ms a second", values[0], low, high, measured, role)
    if point.flow.is_change:
        best, *drawn = (_delay_ms(one) for one in served)
        measured = agreed([one.p95_ms for one in mine])
        yield CheckRow(point, "delivery p95, ms", *interval(best, drawn), measured, role)


#: Of the draws so many stand for all.
_EVERY = 10


def _used_s(
    costs: Costs, served: Sequence[Turns], point: Point, meter: Meter, seconds: float, polled_s: float
) -> float:
    """CPU time that a load will take in so many seconds; polls are counted for a moment longer."""
    times = costs.of(Way.of(point.flow), meter)
    counts = counted(point, meter, predicted(point, meter, served, costs, seconds=polled_s), seconds)
    return sum(times[term] * count for term, count in counts.items())


def _of_one(values: Sequence[float], scatter: float) -> tuple[float, float]:
    """Of one measurement: the spread of the fit, and that of a measurement around it."""
    spread = np.std(np.log(values[1:])) if len(values) > 2 else 0.0
    half = 1.96 * float(np.hypot(spread, scatter))
    return values[0] * float(np.exp(-half)), values[0] * float(np.exp(half))


def _delay_ms(served: Sequence[Turns]) -> float:
    """95th percentile, as in the target for delivery; as it is measured, of one round and in the mean of several."""
    delays = [turns.waited_s + turns.took_s for turns in served]
    return 1e3 * fmean(float(np.percentile(each, 95, method="inverted_cdf")) for each in delays)
