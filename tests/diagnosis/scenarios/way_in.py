"""Scenarios of the way in: what lies between a client and its server."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from urllib.parse import urlsplit

from helpers.diagnosis.probes import addresses, connection
from helpers.diagnosis.results import Check, Status
from helpers.lab.network import (
    BAD_GATEWAY,
    BLACK_HOLE,
    CAPTIVE_PAGE,
    CAPTIVE_REDIRECT,
    DOWN,
    PROXY_PASSWORD,
    STRIPPED_UPGRADE,
    UNAVAILABLE,
    Answer,
    Conditions,
    Way,
    has_ipv6,
)
from tests.diagnosis.scenarios.relay import relay
from tests.diagnosis.scenarios.scenario import Scenario
from tests.diagnosis.scenarios.tools import healed, look_at_way_in, through
from tests.diagnosis.scenarios.ward import Ward

__all__ = ["SCENARIOS"]

SLOW = Conditions(name="slow", to_server=Way(latency_ms=150))
WEB_SERVER = Conditions(
    name="another server", answer=Answer(status="404 Not Found", headers=(("Server", "nginx"),), body="nothing here")
)
FORBIDS = Conditions(
    name="a gateway that knows no such key",
    answer=Answer(status="401 Unauthorized", headers=(("Server", "kong"),), body="Unauthorized"),
)


async def misspelt(ward: Ward) -> None:
    ward.target = replace(ward.target, api_url="http://no-such-project.invalid")


async def copied_again(ward: Ward, check: Check) -> None:
    assert "SUPABASE_URL" in check.fix
    ward.target = ward.lab.target


async def by_name_of_two_families(ward: Ward) -> None:
    """The lab listens on 127.0.0.1 alone, and `localhost` is ::1 too."""
    port = urlsplit(ward.target.api_url).port

    async def resolve(target: object) -> list[addresses.Resolved]:
        return [(socket.AF_INET, ("127.0.0.1", port)), (socket.AF_INET6, ("::1", port, 0, 0))]

    ward.tools["resolve"] = addresses.resolve
    ward.cleanup.callback(setattr, addresses, "resolve", addresses.resolve)
    addresses.resolve = resolve
    ward.target = replace(ward.target, api_url=f"http://localhost:{port}")


async def printed_url(ward: Ward, check: Check) -> None:
    """The line for .env, as it is printed."""
    url = re.fullmatch(r"SUPABASE_URL=(\S+)", check.fix)
    assert url is not None, check.fix
    addresses.resolve = ward.tools["resolve"]
    ward.target = replace(ward.target, api_url=url[1])


async def compressing(ward: Ward) -> None:
    between, ward.target = await ward.cleanup.enter_async_context(relay(ward.target, compresses=True))
    ward.tools["relay"] = between


async def uncompressed(ward: Ward, check: Check) -> None:
    ward.tools["relay"].compresses = False


UPGRADE = (connection, "UPGRADE_LIMIT_S")
SCENARIOS = (
    Scenario("host_found", "a name without an address", misspelt, look_at_way_in, copied_again),
    Scenario("port_open", "nothing listens", through(DOWN), look_at_way_in, healed),
    Scenario("answer_comes", "a black hole", through(BLACK_HOLE, UPGRADE), look_at_way_in, healed),
    Scenario("proxy_lets_through", "407", through(PROXY_PASSWORD), look_at_way_in, healed),
    Scenario("no_captive_portal", "a page", through(CAPTIVE_PAGE), look_at_way_in, healed),
    Scenario("no_captive_portal", "a redirect", through(CAPTIVE_REDIRECT), look_at_way_in, healed),
    Scenario("upgrade_passed", "a proxy strips Upgrade", through(STRIPPED_UPGRADE), look_at_way_in, healed),
    Scenario("gateway_finds_realtime", "502", through(BAD_GATEWAY), look_at_way_in, healed),
    Scenario("gateway_finds_realtime", "503", through(UNAVAILABLE), look_at_way_in, healed),
    Scenario("realtime_answers", "another server", through(WEB_SERVER), look_at_way_in, healed),
    Scenario("key_accepted", "a gateway's own 401", through(FORBIDS), look_at_way_in, healed),
    Scenario("connect_time", "a long way", through(SLOW), look_at_way_in, healed, Status.WARNING),
    Scenario("frames_uncompressed", "a proxy compresses", compressing, look_at_way_in, uncompressed, Status.NOTE),
    *(
        [Scenario("both_families", "::1 refuses", by_name_of_two_families, look_at_way_in, printed_url, Status.WARNING)]
        if has_ipv6()
        else []
    ),
)
