"""A target that is not on this machine: the network speaks TLS to it itself, under its own name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.client import RealtimeClient
from helpers.lab.network import network, tls_front
from helpers.lab.network.network import Network
from helpers.lab.network.route import Route
from helpers.target import Target


def test_a_route_to_a_project_on_the_internet(target: Target) -> None:
    """TLS to its name and port 443, its own name in every request; on loopback bytes pass as they come."""
    route = Route.to(replace(target, api_url="https://project.supabase.co"))
    assert (route.host, route.port, route.host_header, route.opaque) == (
        "project.supabase.co", 443, "project.supabase.co", False,
    )  # fmt: skip
    assert route.tls is not None and route.tls.check_hostname
    assert Route.to(target).tls is None
    assert Route.to(replace(target, api_url="https://localhost:1")).opaque


async def test_a_client_speaks_http_and_the_network_tls(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the lab behind TLS in the part of the project, WebSocket and REST go through."""
    import httpx

    async with tls_front(target) as front, network(target) as via:
        port = int(front.target.api_url.rpartition(":")[2])
        elsewhere = Route("localhost", port, front.client_context(), "project.test")
        monkeypatch.setattr(via, "route", elsewhere)
        assert isinstance(via, Network)
        async with RealtimeClient(via.target) as client:
            assert await client.heartbeat() > 0
        async with httpx.AsyncClient(headers={"apikey": target.publishable_key}) as http:
            for _ in range(2):
                assert (await http.get(f"{via.target.auth_url}/health")).status_code == 200
        assert front.counters.connections == 3
