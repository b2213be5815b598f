"""Numbers for Prometheus: the format, who may read them, and what they say."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator

import aiohttp
import psycopg
import pytest_asyncio
from aiohttp import web

from helpers.lab import Lab
from helpers.lab.metrics import Family, Histogram, render
from helpers.lab.realtime.settings import Limits
from tests.realtime.conftest import Serve
from tests.realtime.talker import Place

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

_NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(rf"({_NAME})(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? ([-+0-9.e]+|\+Inf|NaN)")


def parse(text: str) -> Samples:
    """Read the text format of Prometheus, and nothing that is only like it.

    Each family has its help and type before its samples and all of them together, no sample comes twice, buckets grow
    and end with all values.
    """
    assert text.endswith("\n")
    samples: Samples = {}
    families: dict[str, str] = {}
    family = ""
    lines = iter(text.split("\n")[:-1])
    for line in lines:
        if line.startswith("#"):
            helped = re.fullmatch(rf"# HELP ({_NAME}) .+", line)
            typed = re.fullmatch(rf"# TYPE ({_NAME}) (counter|gauge|histogram)", next(lines))
            assert helped, line
            assert typed, line
            assert helped[1] == typed[1] not in families
            family, families[family] = typed[1], typed[2]
            continue
        found = _SAMPLE.fullmatch(line)
        assert found, line
        suffixes = ("_bucket", "_sum", "_count") if families[family] == "histogram" else ("",)
        assert found[1] in [family + suffix for suffix in suffixes], line
        labels = frozenset(tuple(pair.split('="', 1)) for pair in re.findall(_LABEL, found[2] or ""))
        key = found[1], frozenset((name, value[:-1]) for name, value in labels)  # type: ignore[misc]
        assert key not in samples, line
        samples[key] = float(found[3])
    _check_buckets(samples)
    return samples


def _check_buckets(samples: Samples) -> None:
    buckets: dict[tuple[str, frozenset[tuple[str, str]]], list[tuple[float, float]]] = {}
    for (name, labels), value in samples.items():
        if name.endswith("_bucket"):
            rest = frozenset(pair for pair in labels if pair[0] != "le")
            limit = float(dict(labels)["le"])
            buckets.setdefault((name.removesuffix("_bucket"), rest), []).append((limit, value))
    for (name, labels), found in buckets.items():
        found.sort()
        assert [value for _, value in found] == sorted(value for _, value in found)
        assert found[-1] == (math.inf, samples[f"{name}_count", labels])


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


class Monitor:
    """Reads the numbers of one place over HTTP."""

    def __init__(self, place: Place, session: aiohttp.ClientSession, url: str) -> None:
        self.place = place
        self._session = session
        self._url = url

    async def answer(self, path: str, authorization: str | None) -> tuple[int, str, str]:
        headers = {} if authorization is None else {"Authorization": authorization}
        async with self._session.get(self._url + path, headers=headers) as response:
            return response.status, response.content_type, await response.text()

    async def read(self, path: str = "/metrics") -> Samples:
        status, kind, text = await self.answer(path, f"Bearer {self.place.lab.info['service_role_key']}")
        assert (status, kind) == (200, "text/plain")
        return parse(text)


@pytest_asyncio.fixture
async def monitor(serve: Serve) -> AsyncIterator[Monitor]:
    place = await serve(write_buffer_bytes=100_000)
    app = web.Application()
    app.add_routes(place.server.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        yield Monitor(place, session, f"http://127.0.0.1:{port}")
    await runner.cleanup()


def test_the_text_format() -> None:
    """Labels are quoted, histograms add up, whole numbers have no point."""
    sizes = Histogram((1, 2.5))
    for size in (0, 1, 2, 3):
        sizes.add(size)
    families = [
        Family("a_total", "counter", 'says "a"\nor \\', (({"x": 'q"u\\o\nte'}, 3.0),)),
        Family("b", "histogram", "sizes", (({"k": "v"}, sizes),)),
        Family.by("c", "empty", "nothing", {}),
    ]
    text = render(families)
    assert text == (
        '# HELP a_total says "a"\\nor \\\\\n# TYPE a_total counter\na_total{x="q\\"u\\\\o\\nte"} 3\n'
        '# HELP b sizes\n# TYPE b histogram\nb_bucket{k="v",le="1"} 2\nb_bucket{k="v",le="2.5"} 3\n'
        'b_bucket{k="v",le="+Inf"} 4\nb_sum{k="v"} 6\nb_count{k="v"} 4\n'
        "# HELP empty nothing\n# TYPE empty counter\n"
    )
    parse(text)


async def test_only_the_service_role_reads_them(monitor: Monitor) -> None:
    """Anybody else gets an empty 403."""
    info = monitor.place.lab.info
    for path in ("/metrics", "/tenant-metrics"):
        good = [info["secret_key"], info["service_role_key"], monitor.place.lab.token("service_role")]
        for key in good:
            assert (await monitor.answer(path, f"Bearer {key}"))[0] == 200
        bad = [f"Bearer {info['anon_key']}", f"Basic {good[0]}", "Bearer x", f"Bearer {monitor.place.lab.token()}"]
        for header in [None, *bad]:
            assert (await monitor.answer(path, header))[::2] == (403, "")


async def test_what_happens_is_counted(monitor: Monitor) -> None:
    """Joins, broadcasts in and out, presence, bytes, refusals, messages that are none."""
    before = await monitor.read()
    sender, listener = await monitor.place.talker(), await monitor.place.talker()
    await sender.join("a")
    await listener.join("a", presence={"enabled": True})
    await listener.hear_event("presence_state")
    await sender.broadcast("a", "e", {"x": "y" * 600})
    await listener.hear_event("broadcast")
    await sender.say("realtime:a", "presence", {"type": "presence", "event": "track", "payload": {"n": 1}})
    await sender.hear_event("presence_diff")
    await sender.hear_event("phx_reply")
    await sender.join("", private=True)
    await sender.socket.send("no message")
    await sender.hear_nothing()
    after = await monitor.read()

    def more(name: str, **labels: str) -> float:
        return value(after, name, **labels) - (before.get((name, frozenset(labels.items())), 0))

    phoenix = {"transport": "websocket", "endpoint": "RealtimeWeb.Endpoint"}
    assert more("phoenix_connections_total") == 2
    assert more("realtime_connections_global_connected") == 2
    assert more("phoenix_channel_joined_total", result="ok", **phoenix) == 2
    assert more("phoenix_channel_joined_total", result="error", **phoenix) == 1
    assert more("realtime_channel_global_joins") == 2
    assert more("realtime_channel_global_error", code="TopicNameRequired") == 1
    assert more("realtime_channel_global_events") == 4  # one sent, one delivered, two told of presence
    assert more("realtime_channel_global_presence_events") == 2
    assert more("realtime_payload_size_bucket", message_type="broadcast", le="500") == 0
    assert more("realtime_payload_size_bucket", message_type="broadcast", le="1000") == 1
    assert more("realtime_payload_size_count", message_type="presence") == 1
    assert more("realtime_channel_global_input_bytes") > 1000
    assert more("realtime_channel_global_output_bytes") > 1000
    assert more("lab_malformed_messages_total") == 1
    assert (value(after, "lab_channels"), value(after, "lab_topics")) == (2, 1)


async def test_changes_and_checks_are_counted_for_the_tenant(monitor: Monitor, policies: None) -> None:
    """Polls, rows, subscribers, and how long policies took."""
    info = monitor.place.lab.info
    talker = await monitor.place.talker()
    async with await psycopg.AsyncConnection.connect(info["database_url"], autocommit=True) as database:
        await database.execute(
            "create table counted (id int primary key); grant select on counted to anon;"
            "alter publication supabase_realtime add table counted"
        )
        try:
            changes = [{"event": "INSERT", "schema": "public", "table": "counted"}]
            await talker.join("a", postgres_changes=changes)
            await talker.hear_event("system")
            await database.execute("insert into counted select generate_series(1, 3)")
            for _ in range(3):
                await talker.hear_event("postgres_changes")
            await talker.join("chat:1", private=True, token=monitor.place.lab.token())
            samples = await monitor.read("/tenant-metrics")
        finally:
            await database.execute("drop table counted")
    tenant = {"tenant": "lab"}
    assert value(samples, "realtime_subscriptions_manager_subscribers", **tenant) == 1
    assert value(samples, "realtime_replication_poller_changes_dispatch", **tenant) == 3
    assert value(samples, "realtime_replication_poller_changes_skip", **tenant, reason="rate_limited") == 0
    assert value(samples, "realtime_channel_db_events", **tenant) == 3
    assert value(samples, "realtime_replication_poller_query_duration_count", **tenant) > 0
    assert value(samples, "realtime_tenants_read_authorization_check_count", **tenant) == 1
    assert value(samples, "realtime_connections_connected", **tenant) == 1


async def test_channels_that_were_shut_are_counted_by_cause(serve: Serve) -> None:
    """Numbers and names are left out of the cause, so that there are few."""
    place = await serve(limits=Limits(presence_calls=1, events_per_s=1e9, joins_per_s=1e9, presence_events_per_s=1e9))
    for name in ("a", "b"):
        talker = await place.talker()
        await talker.join(name)
        await talker.say(f"realtime:{name}", "access_token", {"access_token": place.lab.token(lifetime_s=-5)})
        await talker.hear_event("system")
    assert place.server.hub.counts.shut == {"Token has expired … seconds ago": 2}


async def test_slow_readers_are_counted(monitor: Monitor) -> None:
    """Those that were ended because they did not read."""
    sender, slow = await monitor.place.talker(), await monitor.place.talker()
    await sender.join("a")
    await slow.join("a")
    slow.socket.transport.pause_reading()
    async with asyncio.timeout(20):
        while len(monitor.place.server.hub.sockets) == 2:
            await sender.broadcast("a", "e", "x" * 50_000)
            await sender.hear_nothing()
    slow.socket.transport.abort()
    assert value(await monitor.read(), "lab_slow_readers_total") == 1


async def test_the_lab_shows_them_at_its_own_address(lab: Lab) -> None:
    """Without an API key, but not without the right token."""
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{lab.info['api_url']}/metrics") as response:
            assert response.status == 403
        headers = {"Authorization": f"Bearer {lab.info['secret_key']}"}
        async with session.get(f"{lab.info['api_url']}/metrics", headers=headers) as response:
            assert "realtime_connections_global_connected" in await response.text()
