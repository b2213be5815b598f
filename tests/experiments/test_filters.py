"""What filters, columns and replica identity change: counts and bytes, which no other work on the machine moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from helpers.client import RealtimeClient
from helpers.errors import ConnectionFailed, SettingsError
from helpers.experiments import Experiment, start_quick_lab, stop_quick_lab
from helpers.experiments.bursts import run_burst
from helpers.experiments.cpu import CpuClock
from helpers.experiments.crowd import Crowd, Seat
from helpers.experiments.filter_answers import changed
from helpers.experiments.filter_choice import ACCEPTED, filter_verdict
from helpers.experiments.filters import BYTES, MESSAGES, compare_filters, compare_selects
from helpers.experiments.identities import (
    DELETE_BYTES,
    FILTERED,
    LARGE_BYTES,
    OLD,
    UPDATE_LOG,
    WHOLE,
    compare_replica_identities,
)
from helpers.experiments.tables import own_table
from helpers.profiling.results import Skipped
from helpers.target import Target, TargetKind
from helpers.wire.join import ChangeBinding
from tests.experiments.test_tables import left_over


async def test_a_filter_spares_what_nobody_wanted(target: Target) -> None:
    """Ten subscribers get each change, or one in ten does; a list of all rooms brings as much as the full table."""
    found = await compare_filters(target, rounds=2)
    assert isinstance(found, Experiment)
    messages = {arm: found.estimate(arm, MESSAGES).mean for arm in found.arms}
    assert messages == pytest.approx(
        {
            "full table": 10, "one room": 0.1, "one room, index": 0.1, "in, 2 rooms": 0.2, "in, 20 rooms": 2,
            "in, 100 rooms": 10,
        }
    )  # fmt: skip
    spared = found.contrast(BYTES, "one room")
    assert spared is not None and spared.gain.shown and spared.gain.high_percent < -90
    assert "bytes: better by 99 %" in found.answer
    assert changed(found, "one room", "one room, index", BYTES).endswith(": the same bytes, within 1 %.")
    assert {recording.lost for recording in found.recordings} == {0}


async def test_columns_that_are_not_selected_do_not_travel(target: Target) -> None:
    """Two kilobytes of text are spared for each message, and no message is."""
    found = await compare_selects(target, rounds=2)
    assert isinstance(found, Experiment)
    every, three = (found.estimate(arm, BYTES).mean / 10 for arm in found.arms)
    assert 2_000 < 10 * (every - three) < 2_500
    assert {found.estimate(arm, MESSAGES).mean for arm in found.arms} == {10}


async def test_replica_identity_full_has_its_price_and_its_worth(target: Target) -> None:
    """The large column is in log and message of each UPDATE; a filter meets DELETEs; policies hide again."""
    found = await compare_replica_identities(target, rounds=2)
    assert isinstance(found, Experiment)

    def means(metric: str) -> list[float]:
        return [found.estimate(arm, metric).mean for arm in ("default", "full", "full, with policies")]

    assert means(FILTERED) == [0, 100, 100]
    assert means(WHOLE) == [0, 100, 100]
    assert means(OLD) == [1, 6, 1]
    default, full, secured = means(UPDATE_LOG)
    assert full - default > LARGE_BYTES and secured - default > LARGE_BYTES
    assert means(DELETE_BYTES)[1] - means(DELETE_BYTES)[0] > LARGE_BYTES
    assert "0 with “default”, 100 with “full”" in found.answer


async def test_a_project_is_measured_as_it_is_and_within_its_quota(target: Target) -> None:
    """No lab is started for it, and one burst is less than the free plan lets through in a second."""
    project = replace(target, kind=TargetKind.HOSTED)
    found = await compare_selects(project, rounds=1)
    assert isinstance(found, Experiment)
    assert found.target == str(project)
    assert found.settings["subscribers"] == "1" and found.settings["rows"] == "90"
    identities = await compare_replica_identities(project, rounds=1)
    assert isinstance(identities, Experiment)
    assert identities.settings["rows"] == "10"
    assert await left_over(target) == []


async def test_nothing_goes_above_a_quota_unasked(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than the plan lets through in a second are refused before anything is made."""
    monkeypatch.setattr("helpers.experiments.identities.GENTLE_ROWS", 40)
    with pytest.raises(SettingsError, match="above the quota"):
        await compare_replica_identities(replace(target, kind=TargetKind.HOSTED), rounds=1)
    assert await left_over(target) == []


async def test_one_quick_lab_serves_several_experiments(target: Target) -> None:
    """It is taken for what it is, and gone when it was stopped; a project is never replaced."""
    quick = await start_quick_lab(target)
    try:
        for compare in (compare_selects, compare_replica_identities):
            found = await compare(quick, rounds=1)
            assert isinstance(found, Experiment) and found.target == str(quick) != str(target)
        assert await left_over(quick) == []
    finally:
        await stop_quick_lab(quick)
    with pytest.raises(ConnectionFailed):
        await RealtimeClient(quick).connect()
    project = replace(target, kind=TargetKind.HOSTED)
    assert await start_quick_lab(project) is project
    await stop_quick_lab(project)


async def test_nothing_is_measured_where_nothing_may_be_written(target: Target) -> None:
    """One sentence says what to set."""
    closed = replace(target, writes_allowed=False)
    for compare in (compare_filters, compare_selects, compare_replica_identities):
        assert isinstance(await compare(closed), Skipped)
    assert isinstance(await filter_verdict(closed, "id=eq.1"), Skipped)


async def test_an_unknown_size_is_refused(target: Target) -> None:
    """Before anything is made."""
    with pytest.raises(SettingsError, match="no size 'huge'"):
        await compare_filters(target, size="huge")


async def test_the_longest_list_is_the_servers(target: Target) -> None:
    """A hundred values are accepted; one more is refused in the server's own words."""
    numbers = [str(number) for number in range(101)]
    assert await filter_verdict(target, f"room_id=in.({','.join(numbers[:100])})") == ACCEPTED
    refused = await filter_verdict(target, f"room_id=in.({','.join(numbers)})")
    assert "too many values for `in` filter. Maximum 100" in str(refused)


async def test_who_does_not_hear_is_told_from_who_does(target: Target) -> None:
    """A crowd waits for each of its seats, and says so if one of them gets nothing."""
    async with own_table(target) as table:
        binding = ChangeBinding("INSERT", table.schema, table.name)
        seats = (Seat((binding,)), Seat((replace(binding, filter="room_id=eq.7"),)))
        async with Crowd(target, seats) as crowd:
            await table.run(f"insert into {table.quoted} (seq, room_id) values (1, 7), (2, 8)")
            assert await crowd.hear(3, 5)
            assert sorted((seat, change.record["seq"]) for seat, change in crowd.receipts) == [(0, 1), (0, 2), (1, 1)]
            crowd.forget()
            await table.run(f"insert into {table.quoted} (seq, room_id) values (3, 8)")
            assert not await crowd.hear_all(lambda change: change.record["seq"] == 3, 1)


async def test_what_came_to_the_wrong_one_makes_up_for_no_loss(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many changes arrive as should, but one of them to somebody else: one is lost, and one is too many."""
    monkeypatch.setattr("helpers.experiments.bursts.QUIET_S", 1.0)
    wanted = np.array([[True, True], [True, False]])
    async with own_table(target) as table:

        async def write() -> int:
            rows = await table.run(f"insert into {table.quoted} (seq, room_id) values (1, 7), (2, 8) returning id")
            return int(rows[0]["id"])

        binding = ChangeBinding("INSERT", table.schema, table.name)
        seats = (Seat((replace(binding, filter="room_id=eq.7"),)), Seat((binding,)))
        async with Crowd(target, seats) as crowd:
            clock = await CpuClock.of(target)
            burst = await run_burst(crowd, clock, write, label="x", table=table.name, wanted=wanted)
            other = await run_burst(crowd, clock, write, label="x", table="another", wanted=wanted)
    assert (burst.recording.expected, burst.recording.received, burst.recording.lost) == (3, 3, 1)
    assert "1 changes came to somebody who should not get them" in burst.recording.notes
    assert (other.recording.received, other.recording.lost) == (0, 3), "changes of another table are none of these"
