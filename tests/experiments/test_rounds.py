"""Arms in rounds, and what becomes of them when some fail."""

from __future__ import annotations

import msgspec
import pytest

from helpers.errors import FailureError, SettingsError
from helpers.experiments import Experiment, Metric, Outcome, Size, experiment_size, run_rounds
from helpers.experiments.rounds import Arm
from helpers.plots import experiment_plot
from helpers.profiling.histogram import Counts
from helpers.profiling.recording import Recording
from helpers.target import Target, TargetKind

TARGET = Target(TargetKind.LAB, "http://127.0.0.1:1", "sb_publishable_secret")
BYTES = Metric("bytes", "bytes a run")


def measuring(*values: float | None, ran: list[str] | None = None, name: str = "") -> Arm:
    """An arm that measures these, one in each round."""

    async def arm(number: int) -> Outcome:
        if ran is not None:
            ran.append(name)
        return Outcome({BYTES.name: values[number]})

    return arm


def failing(error: Exception) -> Arm:
    async def arm(_: int) -> Outcome:
        raise error

    return arm


def says_change(experiment: Experiment) -> str:
    return str(experiment.contrasts[0]) if experiment.contrasts else "nothing to compare"


async def ran(arms: dict[str, Arm], rounds: int = 3, baseline: str | None = None) -> Experiment:
    return await run_rounds(
        "widths",
        "Is it smaller?",
        TARGET,
        arms,
        metrics=[BYTES],
        rounds=rounds,
        size=Size.SMALL,
        answer=says_change,
        baseline=baseline,
    )


async def test_an_effect_is_found_with_its_size() -> None:
    """Half the bytes in every round are told as such."""
    found = await ran({"full": measuring(100, 110, 105), "part": measuring(50, 55, 52.5)})
    change = found.contrast("bytes", "part")
    assert change is not None
    assert change.gain.shown
    assert change.gain.change_percent == pytest.approx(-50)
    assert "better by 50 %" in found.answer
    assert found.estimate("full", "bytes").mean == pytest.approx(105)


async def test_equal_arms_show_no_difference() -> None:
    """Noise is not sold as a gain."""
    found = await ran({"one": measuring(100, 90, 110), "other": measuring(92, 108, 101)})
    assert "no difference shown" in found.answer


async def test_every_arm_runs_once_a_round_and_the_order_rotates() -> None:
    """No arm always goes first."""
    order: list[str] = []
    await ran({name: measuring(1, 1, 1, ran=order, name=name) for name in ("a", "b", "c")})
    assert order == ["a", "b", "c", "b", "c", "a", "c", "a", "b"]


async def test_the_baseline_comes_first() -> None:
    """Whichever place it had among the arms."""
    found = await ran({"a": measuring(1, 1, 1), "b": measuring(2, 2, 2)}, baseline="b")
    assert found.arms == ("b", "a")
    assert [(contrast.before, contrast.after) for contrast in found.contrasts] == [("b", "a")]


async def test_an_arm_that_fails_is_told_and_the_others_go_on() -> None:
    """The reason is in the notes, without the secrets that it holds."""
    error = FailureError("joining", "the server said sb_publishable_secret no", "Ask again")
    found = await ran({"works": measuring(1, 2, 3), "breaks": failing(error)})
    assert found.values("works", "bytes") == [1, 2, 3]
    assert found.estimate("breaks", "bytes").n == 0
    assert len(found.notes) == 3
    assert "breaks, round 1: left out, the server said" in found.notes[0]
    assert "sb_publishable_secret" not in str(found)
    assert "not measured" in str(found)


async def test_no_secret_is_kept_with_an_experiment() -> None:
    """Notes of a run and of its recording may repeat what a server said, and with it a key."""
    said = f"the writer was told: no such key: {TARGET.publishable_key}"
    counts = (1, 1, 1, 0, 0, 0, 0, 0, 0, 0)
    recording = Recording("one", 0, 1.0, *counts, Counts(), notes=(said,))

    async def arm(_: int) -> Outcome:
        return Outcome({BYTES.name: 1.0}, recording, (f"{said}!",))

    kept = msgspec.json.encode(await ran({"one": arm})).decode()
    assert "no such key" in kept and TARGET.publishable_key not in kept


async def test_a_value_that_is_missing_leaves_its_pair_out() -> None:
    """And the comparison says so."""
    found = await ran({"one": measuring(10, None, 12), "other": measuring(5, 6, 6)})
    assert "1 left out" in found.answer


async def test_nothing_that_succeeded_is_the_first_error() -> None:
    """There is no experiment without a single run."""
    with pytest.raises(FailureError, match="closed"):
        await ran({"one": failing(FailureError("joining", "closed", "Ask again"))})


async def test_a_baseline_that_there_is_not() -> None:
    """It is refused before anything runs."""
    with pytest.raises(SettingsError, match="no arm 'c'"):
        await ran({"a": measuring(1)}, baseline="c")


async def test_it_can_be_kept_as_json() -> None:
    """And is the same afterwards."""
    found = await ran({"one": measuring(10, 11, 12), "other": measuring(5, 6, 6)})
    assert msgspec.json.decode(msgspec.json.encode(found), type=Experiment) == found


async def test_its_picture_has_a_panel_for_each_metric() -> None:
    """With the arms beside it."""
    figure = experiment_plot(await ran({"one": measuring(10, 11, 12), "other": measuring(5, 6, 6)}))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["one", "other"]
    assert figure.axes[0].get_xlabel() == "bytes (bytes a run)"
    assert figure.axes[0].get_ylim() == (1.5, -0.5), "no row lies on the frame"


async def test_an_interval_that_says_nothing_does_not_flatten_its_picture() -> None:
    """Of two runs that differ tenfold the interval is wide; the runs remain to be seen."""
    figure = experiment_plot(await ran({"one": measuring(10, 100), "other": measuring(20, 25)}, rounds=2))
    assert 100 < figure.axes[0].get_xlim()[1] <= 300


def test_the_size_is_chosen_by_argument_then_by_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small, if nobody says anything."""
    monkeypatch.delenv("WORKBOOK_SIZE", raising=False)
    assert experiment_size() is Size.SMALL
    monkeypatch.setenv("WORKBOOK_SIZE", "full")
    assert experiment_size() is Size.FULL
    assert experiment_size("small") is Size.SMALL
    monkeypatch.setenv("WORKBOOK_SIZE", "huge")
    with pytest.raises(SettingsError, match="no size 'huge'"):
        experiment_size()
