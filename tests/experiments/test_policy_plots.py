"""Pictures of policies, of results that were written down here."""

from __future__ import annotations

from helpers.experiments import Experiment, Measure, Metric, PolicyPlans
from helpers.experiments.policies import asked_at, counts_of, cpu_at
from helpers.experiments.policy_plans import BY_KEY, METRICS, WHOLE
from helpers.plots import plans_plot, policies_plot
from helpers.profiling.results import Skipped

ARMS = ("no policy, filter", "auth.uid()")


def experiment(metrics: tuple[Metric, ...], values: dict[tuple[str, str], list[float]]) -> Experiment:
    """With these values of each arm and metric, one for each round."""
    measures = tuple(
        Measure(arm, metric, "µs", run, value)
        for (arm, metric), sample in values.items()
        for run, value in enumerate(sample)
    )
    return Experiment("?", "What?", "lab", "2026-01-31T00:00:00Z", "small", 1.0, ARMS, metrics, measures)


def test_policies_by_subscribers() -> None:
    """A line for each policy over the numbers of subscribers, and a dot for each that was asked."""
    metrics = (Metric(cpu_at(1), "µs"), Metric(cpu_at(50), "µs"), Metric(asked_at(50), "µs"))
    found = experiment(
        metrics,
        {
            (ARMS[0], cpu_at(1)): [40, 50], (ARMS[0], cpu_at(50)): [40, 60], (ARMS[1], cpu_at(1)): [50, 50],
            (ARMS[1], cpu_at(50)): [200, 220], (ARMS[1], asked_at(50)): [600, 620],
        },
    )  # fmt: skip
    assert counts_of(found) == [1, 50]
    left, right = policies_plot(found).axes
    assert [text.get_text() for text in left.get_legend().get_texts()] == list(ARMS)
    assert [tick.get_text() for tick in left.get_xticklabels()] == ["1", "50"]
    assert [tick.get_text() for tick in right.get_yticklabels()] == ["auth.uid()"]


def test_plans_side_by_side() -> None:
    """Two dots for each policy."""
    values = {(arm, metric): [10.0, 12.0] for arm in ARMS for metric in (BY_KEY, WHOLE)}
    (axes,) = plans_plot(PolicyPlans(experiment(METRICS, values), {})).axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [BY_KEY, WHOLE]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(ARMS)


def test_what_was_skipped_is_a_sentence() -> None:
    """In place of the picture."""
    for plot in (policies_plot, plans_plot):
        (text,) = plot(Skipped("It", "there is no lab")).axes[0].texts
        assert text.get_text() == "It: not measured, because there is no lab."
