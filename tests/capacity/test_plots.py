"""Pictures of the capacity model."""

from __future__ import annotations

import numpy as np

from helpers.capacity import Axis, Capacity, Load, project
from helpers.plots import capacity_check_plot, knee_plot, projection_plot


def test_every_held_out_prediction_is_a_dot(capacity: Capacity) -> None:
    """Full ones are held out, hollow ones fitted; together they are all."""
    figure = capacity_check_plot(capacity)
    drawn = [line for panel in figure.axes for line in panel.lines if line.get_marker() == "o"]
    full = sum(np.size(line.get_xdata()) for line in drawn if line.get_fillstyle() == "full")
    assert full == len(capacity.check.held_out)
    assert sum(np.size(line.get_xdata()) for line in drawn) == len(capacity.check.rows)


def test_the_knee_has_a_line_for_each_set_of_times(capacity: Capacity) -> None:
    """The best last, so that it lies on top; beyond the knee nothing is drawn."""
    cores, delivery = knee_plot(capacity.model, Load(rate_per_s=500), Axis.SUBSCRIBERS, 100_000).axes
    assert len(cores.lines) == len(delivery.lines) == len(capacity.model.some_costs()) + 1
    values = np.asarray(delivery.lines[-2].get_ydata(), dtype=np.float64)
    assert np.isfinite(values[0]) and np.isnan(values[-1])


def test_a_projection_has_a_dot_for_each_number_of_clients(capacity: Capacity) -> None:
    """With the plans and the largest published figure beside it."""
    (axes,) = projection_plot(project(capacity)).axes
    assert list(np.asarray(axes.lines[0].get_xdata())) == [10_000, 1_000_000, 100_000_000]
    labels = [text.get_text() for text in axes.get_legend().get_texts()]  # type: ignore[union-attr]
    assert any("published" in label for label in labels) and sum("plan" in label for label in labels) == 3
