"""The comparison of forms finds what is there, in bytes, and says so where nothing is."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from helpers.errors import SettingsError
from helpers.experiments import Experiment, Size, run_rounds
from helpers.experiments.answer import leaders
from helpers.experiments.encoding import compare_encodings, sweep_encodings
from helpers.experiments.encoding.formats import METRICS, Load, measured, server_meter
from helpers.experiments.encoding.reception import Reception
from helpers.experiments.encoding.transfer import transfer
from helpers.experiments.experiment import Outcome
from helpers.experiments.sending import Sender, scheduled
from helpers.experiments.unhindered import unhindered
from helpers.profiling.workloads import Burst
from helpers.stream import Content, Form, Item, Stream
from helpers.target import Target, TargetKind
from helpers.wire.events import Broadcast


def burst(form: Form, messages: int = 100, body_bytes: int = 1_000) -> Stream:
    return scheduled(Burst(messages, 1.0), form=form, body_bytes=body_bytes)


async def test_a_transfer_is_accounted_for(target: Target) -> None:
    """Everything that was sent is received; its bytes, and the CPU of sender, server and receiver, are not nothing."""
    async with unhindered(target), Sender(target) as sender:
        found = await transfer(target, sender, burst(Form.JSON_V2), server_meter(target))
    recording = found.recording
    assert (recording.sent, recording.received, recording.lost, recording.duplicated) == (100, 100, 0, 0)
    assert 100_000 < recording.payload_bytes < recording.wire_bytes < 130_000
    assert recording.wire_bytes == recording.payload_bytes + 4 * 100  # a WebSocket header above 125 bytes has 4
    assert found.server_cpu_s is not None
    assert min(found.client_cpu_s, found.server_cpu_s, found.sent.cpu_s) > 0


async def test_bytes_travel_best_as_bytes(target: Target) -> None:
    """The effect that is there by construction: base64 weighs a third more; binary frames are shown to be lighter."""
    experiment = await compare_encodings(target, content=Content.BYTES, body_bytes=8_000, size=Size.SMALL, rounds=2)
    weight = {arm: experiment.estimate(arm, "bytes on the wire").mean for arm in experiment.arms}
    assert weight[Form.BASE64_V2] > 1.3 * weight[Form.BYTES] > 1.3 * 8_000
    assert "“bytes in a binary frame, vsn 2” is better by 25 %" in experiment.answer
    assert {recording.lost for recording in experiment.recordings} == {0}


async def test_two_equal_arms_show_no_difference(target: Target) -> None:
    """The same form twice, under two names: no metric names a winner in bytes."""
    async with unhindered(target), Sender(target) as sender:

        async def run(_number: int) -> Outcome:
            found = await transfer(target, sender, burst(Form.MESSAGE_PACK), server_meter(target))
            return Outcome(measured(found, found))

        experiment = await run_rounds(
            "twins",
            "Is one of two equal forms better?",
            target,
            {"one": run, "other": run},
            metrics=METRICS,
            rounds=2,
            size=Size.SMALL,
            answer=lambda experiment: leaders(experiment, ["bytes on the wire"]),
        )
    assert experiment.answer == "Bytes on the wire: no difference from “one” shown."


async def test_a_sweep_has_an_experiment_for_each_size(target: Target) -> None:
    """Each with all forms for its content; a project is sent nothing above 16 KB, and nothing in bursts."""
    (one,) = await sweep_encodings(target, sizes=(64,), size="small", rounds=1)
    assert one.arms == tuple(Form.of(Content.RECORDS))
    assert one.settings["body_bytes"] == "64"
    hosted = replace(target, kind=TargetKind.HOSTED)
    assert await sweep_encodings(hosted, sizes=(100_000,)) == ()
    assert Load.of(hosted, 1_024, Size.FULL).burst == 0


async def test_a_size_out_of_bounds_is_refused(target: Target) -> None:
    """With the bounds."""
    with pytest.raises(SettingsError, match="bytes"):
        await compare_encodings(target, body_bytes=10)
    with pytest.raises(SettingsError, match="records or bytes"):
        await compare_encodings(target, content="pictures")


def test_what_was_not_measured_is_not_judged() -> None:
    """A metric without values gets no verdict."""
    empty = Experiment("x", "?", "lab", "2026-01-01", "small", 1.0, ("a", "b"), METRICS, ())
    assert leaders(empty, ["server's CPU"]) == "Server's CPU: not compared here."


async def test_one_that_came_twice_makes_up_for_none_that_is_missing() -> None:
    """The end is waited for until every message is there, and not until as many are."""
    reception = Reception(burst(Form.JSON_V2, messages=2))

    def hear(seq: int) -> None:
        payload = Form.JSON_V2.payload(Item(seq=seq, due=0.0, key=0, body=[]))
        reception.on_event(Broadcast(topic="x", received_at=1.0, size_bytes=10, event="x", payload=payload))

    hear(0)
    hear(0)
    waiting = asyncio.create_task(reception.complete(5))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    hear(1)
    await waiting
    ledger = reception.ledger()
    assert (ledger.lost, ledger.duplicated) == (0, 1)
