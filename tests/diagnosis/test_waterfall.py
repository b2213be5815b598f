"""The picture of a diagnosis: what is drawn is what was measured."""

from __future__ import annotations

from matplotlib.patches import Rectangle

from helpers.diagnosis import Diagnosis, Layer, Status
from helpers.plots import waterfall_plot

LAYERS = (
    Layer("DNS", 0.0, 2.0, Status.OK, samples_ms=(2.0, 1.0, 3.0)),
    Layer("TLS", 2.0, 0.0, Status.SKIPPED, "plain HTTP"),
    Layer("TCP", 2.5, 0.5, Status.OK, samples_ms=(0.5, 0.5, 0.6)),
    Layer("HTTP upgrade", 3.0, 6000.0, Status.FAILURE, "no answer"),
)


def drawn(layers: tuple[Layer, ...]) -> Diagnosis:
    return Diagnosis("lab at http://127.0.0.1:1", "2026-11-22T10:00:00+00:00", layers, (), repeats=3)


def test_each_layer_is_a_bar_at_its_time() -> None:
    """Skipped layers are left out, a failed one is hatched and named so."""
    axes = waterfall_plot(drawn(LAYERS)).axes[0]
    bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert [(bar.get_x(), bar.get_width()) for bar in bars] == [(0.0, 2.0), (2.5, 0.5), (3.0, 6000.0)]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["DNS", "TCP", "HTTP upgrade (failed)"]
    assert [bool(bar.get_hatch()) for bar in bars] == [False, False, True]


def test_the_title_says_target_count_and_date() -> None:
    """A picture that leaves its notebook still says what it shows."""
    title = waterfall_plot(drawn(LAYERS)).get_suptitle()
    assert "lab at http://127.0.0.1:1, n = 3, 2026-11-22" in title


def test_nothing_measured_is_a_sentence() -> None:
    """Without any layer the figure says so instead of failing."""
    text = waterfall_plot(drawn(LAYERS[1:2])).axes[0].texts[0].get_text()
    assert text.startswith("Nothing was measured")
