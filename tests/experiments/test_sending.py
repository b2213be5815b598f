"""A stream is sent at its times by a process of its own, whose lab does not count it."""

from __future__ import annotations

import asyncio
import urllib.request
from dataclasses import replace

import aiohttp
import psutil
import pytest

from helpers.client import RealtimeClient
from helpers.errors import FailureError, SettingsError
from helpers.experiments.encoding.transfer import transfer
from helpers.experiments.sending import Sender, scheduled
from helpers.experiments.unhindered import unhindered
from helpers.profiling.workloads import Constant
from helpers.stream import Form, Item, Stream
from helpers.target import Target, TargetKind
from helpers.wire.events import Broadcast, Event
from helpers.wire.join import JoinConfig

LIMIT_S = 30.0


def stream(messages: int = 20, form: Form = Form.JSON_V2, body_bytes: int = 200) -> Stream:
    return scheduled(Constant(200.0), messages / 200, form=form, body_bytes=body_bytes, keys=3)


async def quota(target: Target) -> int:
    headers = {"Authorization": f"Bearer {target.secret_key}"}
    url = f"{target.api_url}/realtime/v1/api/tenants/lab"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as answer:
        found: int = (await answer.json())["data"]["max_events_per_second"]
        return found


async def heard(target: Target, sender: Sender, order: Stream) -> list[Item]:
    items: list[Item] = []
    complete = asyncio.Event()
    async with RealtimeClient(target, version=order.form.version) as client:

        def on_event(event: Event) -> None:
            if isinstance(event, Broadcast):
                items.append(order.form.item(event.payload))
                if len(items) == order.messages:
                    complete.set()

        channel = client.channel(order.topic, JoinConfig())
        channel.on_event(on_event)
        await channel.subscribe()
        await sender.prepare(order)
        start = sender.start()
        sent = await sender.send(order, start)
        assert (sent.messages, sent.error) == (order.messages, "")
        await asyncio.wait_for(complete.wait(), LIMIT_S)
    assert [item.due for item in items] == pytest.approx([start + due for due in order.due_s], abs=1e-5)
    assert all(at >= due - 1e-5 for at, due in zip(sent.at_s, order.due_s, strict=True)), "never early"
    return items


async def test_every_form_reaches_a_subscriber_through_the_server(target: Target) -> None:
    """Numbered, with its key and the time when it was due, in both protocol versions and both kinds of frame."""
    async with Sender(target) as sender:
        for form in Form:
            items = await heard(target, sender, stream(form=form))
            assert [item.seq for item in items] == list(range(20))
            assert [item.key for item in items] == [seq % 3 for seq in range(20)]


async def test_the_process_ends_with_its_context(target: Target) -> None:
    """Nothing is left behind, whatever happened inside."""
    before = set(psutil.Process().children())
    with pytest.raises(RuntimeError):
        async with Sender(target) as sender:
            await sender.prepare(stream())
            assert set(psutil.Process().children()) - before
            raise RuntimeError
    assert set(psutil.Process().children()) - before == set()


async def test_a_target_that_is_not_there_is_told(target: Target) -> None:
    """In a sentence, and the next order is still carried out."""
    nowhere = replace(target, api_url="http://127.0.0.1:9")
    async with Sender(nowhere) as sender:
        with pytest.raises(FailureError, match="no connection"):
            await sender.prepare(stream())


@pytest.mark.parametrize(
    "order",
    [
        Stream(topic="x", due_s=()),
        Stream(topic="x", due_s=(0.0,), body_bytes=1),
        Stream(topic="x", due_s=(0.0,) * 10_000, body_bytes=900_000),
        Stream(topic="x", due_s=(0.0,), keys=0),
    ],
)
async def test_a_stream_out_of_bounds_is_refused(target: Target, order: Stream) -> None:
    """A size, a sum of bytes or a number that nobody should send by mistake: nothing is sent."""
    with pytest.raises(SettingsError, match="planning a stream"):
        await Sender(target).prepare(order)


@pytest.mark.parametrize(("per_s", "seconds"), [(1e9, 1.0), (1.0, 1e9), (0.0, 1.0)])
def test_a_schedule_out_of_bounds_is_refused(per_s: float, seconds: float) -> None:
    """A rate or a time that nobody should ask for by mistake."""
    with pytest.raises(SettingsError):
        scheduled(Constant(per_s), seconds)


async def test_a_lab_counts_nothing_meanwhile(target: Target) -> None:
    """Its quota is out of reach inside, and what it was afterwards, also after a failure."""
    before = await quota(target)
    with pytest.raises(RuntimeError):
        async with unhindered(target):
            assert await quota(target) > 1_000 * before
            raise RuntimeError
    assert await quota(target) == before


async def test_a_project_keeps_its_quota(target: Target) -> None:
    """Only a lab is touched."""
    async with unhindered(replace(target, kind=TargetKind.HOSTED)):
        assert await quota(target) < 10_000


async def test_a_target_that_disconnects_is_told_and_not_waited_for(target: Target) -> None:
    """Both ends are cut off in the middle: what was received counts, what was not is lost, and notes say why."""
    order = scheduled(Constant(100.0), 3.0)
    async with Sender(target) as sender:
        running = asyncio.create_task(transfer(target, sender, order, lambda: None))
        await asyncio.sleep(1.5)
        await asyncio.to_thread(disconnect_all, target)
        found = await asyncio.wait_for(running, LIMIT_S)
    recording = found.recording
    assert 0 < recording.received < order.messages
    assert any("the receiver was cut off: the server closed the connection" in note for note in recording.notes)
    assert any("the sender was stopped" in note for note in recording.notes)


def disconnect_all(target: Target) -> None:
    """What an operator can do."""
    request = urllib.request.Request(
        f"{target.api_url}/realtime/v1/api/tenants/lab/reload",
        method="POST",
        headers={"Authorization": f"Bearer {target.secret_key}"},
    )
    urllib.request.urlopen(request, timeout=LIMIT_S).close()
