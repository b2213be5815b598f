"""A component that comes and goes: what was put in is found, what is clean is not accused."""

from __future__ import annotations

import pytest

from helpers.experiments.browser.chromium import CHROMIUM_VARIABLE
from helpers.experiments.browser.mounting import MountPlan, compare_mounts
from helpers.experiments.browser.mounting_results import Look, MountCase, MountHabit
from helpers.plots import mounts_plot
from helpers.target import Target

QUICK = MountPlan(4, 6, 5, at_once=5, linger_s=0.2)


@pytest.mark.usefixtures("chromium")
async def test_who_forgets_is_told_from_who_removes(target: Target) -> None:
    """Channels that are removed leave nothing; forgotten ones stay, and so do clients; held bytes are found."""
    study = await compare_mounts(target, plan=QUICK)
    removes, forgets, own, disposed = (study.case(habit) for habit in MountHabit)
    cycles = QUICK.blocks * QUICK.cycles
    assert not removes.leaks and removes.kept == ""
    assert forgets.leaks and forgets.line.low > 1_000 and forgets.channels_kept == cycles
    for case in (own, disposed):
        assert case.leaks and case.clients_kept == cycles and case.channels_kept == 0
    assert disposed.line.per_one < own.line.per_one  # the session's part is given back
    assert study.case(MountHabit.REMOVES, injected=True).finds_injected
    assert "of 1,000 bytes held on purpose" in study.answer and "as it should be" in study.answer
    assert list(study.to_frame().leaks) == [False, True, True, True, True]
    assert f"{cycles} channels" in str(study) and "<br>" in study._repr_html_()
    assert len(mounts_plot(study).axes[0].get_lines()) == len(study.cases)


async def test_without_a_browser_there_are_no_cases(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the answer says what to install."""
    monkeypatch.setenv(CHROMIUM_VARIABLE, "/nowhere/chromium")
    study = await compare_mounts(target)
    assert study.cases == () and study.table().empty and "Install Chromium" in str(study)
    assert "Install Chromium" in mounts_plot(study).axes[0].texts[0].get_text()


def test_verdicts() -> None:
    """Less than two references is no leak, however sure it is; noise is none either; held bytes must be all there."""

    def case(*alive: int, injected: int = 0) -> MountCase:
        looks = tuple(Look(10 * number, size, 0, 0) for number, size in enumerate(alive))
        return MountCase(MountHabit.REMOVES, looks, injected)

    assert not case(0, 100, 200, 300, 400, 500).leaks  # 10 bytes a cycle
    assert case(0, 1_000, 2_000, 3_000, 4_000, 5_000).verdict == "leaks 100 (100 to 100) bytes a cycle"
    assert not case(0, 5_000, -4_000, 6_000, -5_000, 5_000).leaks
    assert case(0, 11_000, 22_000, 33_000, injected=1_000).finds_injected
    assert not case(0, 9_000, 18_000, 27_000, injected=1_000).finds_injected
    assert not case(0, 30_000, 60_000, 90_000, injected=1_000).finds_injected
