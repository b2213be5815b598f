"""Slow readers: what waits where, and whom the server gives up."""

from __future__ import annotations

import socket
import sys
from dataclasses import replace

import pytest

from helpers.errors import SettingsError
from helpers.experiments.pace import Flood, Reading, SlowRun, compare_slow_readers, watch_slow_reader
from helpers.experiments.pace.backlog import server_end, unread_bytes
from helpers.experiments.pace.slow_results import KEPT
from helpers.profiling.results import Skipped
from helpers.target import Target, TargetKind


async def seen(target: Target, reading: Reading, flood: Flood) -> SlowRun:
    run = await watch_slow_reader(target, reading, flood=flood)
    assert isinstance(run, SlowRun)
    return run


def test_bytes_that_wait_in_the_kernel_are_seen() -> None:
    """On the reader's end as unread; and the other end is open until it is closed."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        server, _ = listening.accept()
        with client:
            server.sendall(b"x" * 1_000)
            assert unread_bytes(client) == 1_000
            end = server_end(client)
            assert (end is not None) is sys.platform.startswith("linux")
            assert end is None or end.is_open
            server.close()
            end = server_end(client)
            assert end is None or not end.is_open
        assert unread_bytes(client) == 0


async def test_a_reader_that_stops_is_given_up_and_told_late(target: Target) -> None:
    """The server holds as much as its setting allows, then ends the connection; the client first reads what is left."""
    run = await seen(target, Reading.STOPS, Flood())
    assert run.told_s is not None
    assert "broke off" in run.reason
    assert run.lost > 0
    assert max(moment.in_application for moment in run.moments) < 5_000_000
    if run.known:
        assert run.closed_s is not None
        assert run.closed_s < run.told_s
        assert 8e6 < max(run.on_server) < 24e6, "the lab's limit is 16,000,000 bytes"
        assert run.thrown_away[-1] > 10e6


async def test_a_reader_that_keeps_everything_grows(target: Target) -> None:
    """Nothing is lost and nobody complains: the backlog is in its own memory."""
    run = await seen(target, Reading.KEEPS, Flood(seconds=0.4))
    assert (run.lost, run.closed_s, run.told_s) == (0, None, None)
    assert run.waiting > 3 * KEPT
    assert max(moment.in_application for moment in run.moments) > 10e6


@pytest.mark.parametrize(("reading", "most"), [(Reading.DROPS, KEPT), (Reading.NEWEST, 10)])
async def test_a_reader_that_drops_stays_small(target: Target, reading: Reading, most: int) -> None:
    """What waits is bounded, and what went is counted."""
    run = await seen(target, reading, Flood(seconds=0.4, keys=10))
    assert run.closed_s is run.told_s is None
    assert run.waiting <= most + 1
    assert run.lost == run.sent.messages - run.handled - run.waiting > 0


async def test_the_comparison_says_who_was_given_up(target: Target) -> None:
    """From the runs; and the arms differ in memory as they must."""
    found = await compare_slow_readers(target, flood=Flood(seconds=0.7), size="small", rounds=1)
    assert not isinstance(found, Skipped)
    memory = {arm: found.estimate(arm, "most in the application").mean for arm in found.arms}
    assert memory[Reading.KEEPS] > 3 * memory[Reading.DROPS] > 3 * memory[Reading.NEWEST]
    assert "“stops reading”: the server gave the client up in 1 of 1 runs" in found.answer
    assert "Most memory: “keeps everything”" in found.answer


def test_a_handler_that_can_follow_is_refused() -> None:
    """It would show nothing."""
    with pytest.raises(SettingsError, match="slow reader"):
        Flood(rate_per_s=10, handle_s=0.01)
    with pytest.raises(SettingsError):
        Flood(handle_s=0)


async def test_a_project_is_not_flooded(target: Target) -> None:
    """Neither to watch nor to compare."""
    hosted = replace(target, kind=TargetKind.HOSTED)
    assert isinstance(await watch_slow_reader(hosted), Skipped)
    assert isinstance(await compare_slow_readers(hosted), Skipped)
