"""Compression is refused by the server, and shown on a relay that does it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import psutil
import pytest

from helpers.client import RealtimeClient
from helpers.experiments import Experiment, Size
from helpers.experiments.encoding import compare_compression
from helpers.experiments.encoding.relay import Compression, relay
from helpers.profiling.results import Skipped
from helpers.stream import Content
from helpers.target import Target, TargetKind
from helpers.wire.events import Broadcast
from helpers.wire.join import JoinConfig


async def test_the_server_passes_over_the_offer(target: Target) -> None:
    """As the genuine one: the recorded handshakes have no extensions either."""
    async with RealtimeClient(target, compression=True) as client:
        assert client.compression == ""


@pytest.mark.parametrize("kind", Compression)
async def test_a_relay_compresses_as_it_says(target: Target, kind: Compression) -> None:
    """It agrees to what its kind is, and a broadcast comes through it whole, its text in fewer bytes or not."""
    text = "again and again " * 500
    async with (
        relay(target) as through,
        RealtimeClient(target) as sender,
        RealtimeClient(through.targets[kind], compression=True) as receiver,
    ):
        agreed = receiver.compression
        one, other = sender.channel("test:relay", JoinConfig()), receiver.channel("test:relay", JoinConfig())
        await one.subscribe()
        await other.subscribe()
        before = receiver.counters.wire_bytes_in
        await one.broadcast("text", {"text": text})
        async with asyncio.timeout(10):
            event = await anext(other.events())
        assert isinstance(event, Broadcast)
        assert event.payload == {"text": text}
        weight = receiver.counters.wire_bytes_in - before
    assert ("permessage-deflate" in agreed) is (kind is not Compression.OFF)
    assert ("server_no_context_takeover" in agreed) is (kind is Compression.SINGLE)
    assert weight < 500 if agreed else weight > len(text)


async def test_a_relay_leaves_nothing_behind(target: Target) -> None:
    """Its process ends with the context."""
    async with relay(target) as through:
        assert through.process.is_running()
    assert not psutil.pid_exists(through.process.pid) or through.process.status() == psutil.STATUS_ZOMBIE


async def test_records_shrink_and_bytes_do_not(target: Target) -> None:
    """What compression brings depends on what is sent, and the answer says both that and who agreed to it."""
    for content, shrinks in ((Content.RECORDS, True), (Content.BYTES, False)):
        experiment = await compare_compression(target, content=content, size=Size.SMALL, rounds=2)
        assert isinstance(experiment, Experiment)
        off, _, shared = (experiment.estimate(arm, "bytes on the wire").mean for arm in experiment.arms)
        assert (shared < 0.6 * off) is shrinks
        assert experiment.answer.startswith("The target passed over the offer to compress.")


async def test_a_project_is_left_alone(target: Target) -> None:
    """A relay and bursts are for the lab."""
    skipped = await compare_compression(replace(target, kind=TargetKind.HOSTED))
    assert isinstance(skipped, Skipped)
    assert "lab" in str(skipped)
