"""Leaks: what was put in is found, with its size, and what is clean is not accused."""

from __future__ import annotations

import asyncio

import psutil
import pytest

from helpers.errors import FailureError, SettingsError
from helpers.experiments.leaks import Client, Habit, LeakCase, compare_leaks, find_leak
from helpers.experiments.leaks.compare import PLANS, Plan
from helpers.experiments.size import Size
from helpers.plots import leaks_plot
from helpers.probes.habits import Growth
from helpers.target import Target, TargetKind

QUICK = Plan(6, 5, 10, 12, at_once=8, timeout_s=0.3)


def probes() -> list[str]:
    """Those of this process that still run."""
    lines = (" ".join(child.cmdline()) for child in psutil.Process().children())
    return [line for line in lines if "helpers.probes" in line or "repeat.mjs" in line]


async def test_an_injected_leak_is_found_and_a_clean_cycle_is_not_accused(target: Target) -> None:
    """Bytes that are held on purpose are found with their number; subscribing and leaving leaves nothing behind."""
    injected, clean = await asyncio.gather(
        find_leak(target, Client.WORKBOOK, Habit.REMOVE, injected_bytes=700, plan=QUICK),
        find_leak(target, Client.WORKBOOK, Habit.REMOVE, plan=QUICK),
    )
    assert injected.leaks and injected.verdict.startswith("leaks ")
    assert injected.line.low - 1 <= 700 <= injected.line.high + 1  # the interval may have no width at all
    assert injected.line.high - injected.line.low < 70
    assert not clean.leaks and "no leak shown" in clean.verdict
    assert abs(clean.line.per_one) < 16
    assert clean.channels_kept == 0


async def test_all_clients_side_by_side(target: Target) -> None:
    """Channels that nobody removes leak with each client; properly removed they leak with none; the answer says so."""
    study = await compare_leaks(target, habits=(Habit.REMOVE, Habit.KEEP))
    assert study.clients == tuple(Client)
    for client in Client:
        kept, removed = study.case(client, Habit.KEEP), study.case(client, Habit.REMOVE)
        assert kept is not None and kept.leaks and kept.line.low > 1_000
        assert kept.channels_kept >= 6 * 10
        assert removed is not None and not removed.leaks and removed.channels_kept == 0
    assert "of 1,000 bytes held on purpose" in study.answer and "as it should be" in study.answer
    assert "supabase-js: subscribe, never remove" in study.answer
    assert study.versions["supabase-py"] and study.versions["supabase-js"]
    reports = study.reports_frame().set_index("report")["here"]
    assert (reports["supabase-py#1371"], reports["too many channels"]) == ("not seen", "seen")
    assert probes() == []
    assert [axes.get_title(loc="left") or axes.get_title() for axes in leaks_plot(study).axes] == [*study.table().index]
    assert "<br>" in study._repr_html_()


async def test_what_is_held_for_a_while_and_what_is_refused_is_told(target: Target) -> None:
    """What supabase-py keeps of a channel until a push times out is no leak; what our client refuses is told."""
    held, refused = await asyncio.gather(
        find_leak(target, Client.PYTHON, Habit.REMOVE, plan=QUICK),
        find_leak(target, Client.WORKBOOK, Habit.DUPLICATE, plan=QUICK),
    )
    assert not held.leaks and held.held_bytes > 1_000
    assert not refused.leaks and refused.growth.refused == QUICK.blocks * QUICK.cycles
    assert "has that channel already" in refused.growth.refusal


async def test_what_cannot_be_done_is_refused(target: Target) -> None:
    """Our client sends on joined channels only."""
    with pytest.raises(SettingsError, match="send without subscribing"):
        await find_leak(target, Client.WORKBOOK, Habit.SEND)


@pytest.mark.parametrize("client", [Client.WORKBOOK, Client.JAVASCRIPT])
async def test_a_target_that_does_not_answer_is_an_error(client: Client) -> None:
    """Its reason is told, and no process stays."""
    nowhere = Target(TargetKind.LOCAL, "http://127.0.0.1:9", "sb_publishable_x")
    with pytest.raises(FailureError, match="looking for leaks"):
        await find_leak(nowhere, client, Habit.REMOVE, plan=QUICK)
    assert probes() == []


async def test_a_project_is_spared() -> None:
    """A leak is the client's own: whatever the target, which need not even be there, the cases run on a new lab."""
    nowhere = Target(TargetKind.HOSTED, "http://127.0.0.1:9", "sb_publishable_x")
    study = await compare_leaks(nowhere, clients=(Client.WORKBOOK,), habits=(Habit.HANDLER,))
    assert any("new lab" in note for note in study.notes)
    handler = study.case(Client.WORKBOOK, Habit.HANDLER)
    assert handler is not None and handler.leaks


def test_verdicts() -> None:
    """Less than an object is no leak, however sure it is; noise is none either."""

    def case(*settled: int) -> LeakCase:
        cycles = tuple(range(0, 10 * len(settled), 10))
        growth = Growth(cycles, settled, settled, (1,) * len(settled))
        return LeakCase(Client.WORKBOOK, Habit.REMOVE, growth)

    assert not case(0, 100, 200, 300, 400, 500).leaks  # 10 bytes a cycle
    assert case(0, 1_000, 2_000, 3_000, 4_000, 5_000).verdict == "leaks 100 (100 to 100) bytes a cycle"
    assert not case(0, 5_000, -4_000, 6_000, -5_000, 5_000).leaks
    assert PLANS[Size.FULL].cycles > PLANS[Size.SMALL].cycles
