"""Pacing at the source saves messages, and ends right."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.errors import SettingsError
from helpers.experiments import Experiment, Size
from helpers.experiments.pace import Pace, compare_source_paces
from helpers.profiling.results import Skipped
from helpers.stream import Item
from helpers.stream.forms import apart, together
from helpers.target import Target, TargetKind
from helpers.wire.frames import decode_json, encode_json


def test_updates_travel_together() -> None:
    """Several in one message, in their order, each with its number, time and key."""
    items = [Item(seq, 0.5 * seq, seq % 2, {"x": seq}) for seq in range(5)]
    assert apart(decode_json(encode_json(together(items)))) == items


async def test_gathering_saves_messages_and_bytes(target: Target) -> None:
    """By how many is arithmetic: 25 updates share a message, and only 10 things are sent where the newest wins."""
    found = await compare_source_paces(target, updates_per_s=500, keys=10, size=Size.SMALL, rounds=2)
    assert isinstance(found, Experiment)
    sent = {arm: found.estimate(arm, "messages sent").mean for arm in found.arms}
    weight = {arm: found.estimate(arm, "bytes to a receiver").mean for arm in found.arms}
    assert sent[Pace.EVERY] > 450
    assert sent[Pace.BATCHES] < 40
    assert sent[Pace.NEWEST_THROTTLED] < 40
    assert weight[Pace.EVERY] > weight[Pace.BATCHES] > weight[Pace.NEWEST_THROTTLED]
    assert found.estimate(Pace.BATCHES, "never shown").mean == 0
    assert found.estimate(Pace.NEWEST_THROTTLED, "never shown").mean > 30
    assert found.answer.endswith("All were right in the end.")


async def test_no_source_is_refused_and_a_project_is_not_flooded(target: Target) -> None:
    """Before anything is started."""
    with pytest.raises(SettingsError):
        await compare_source_paces(target, keys=0)
    with pytest.raises(SettingsError):
        await compare_source_paces(target, updates_per_s=1e9)
    assert isinstance(await compare_source_paces(replace(target, kind=TargetKind.HOSTED)), Skipped)
