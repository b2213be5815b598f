"""TLS fronts: good, and with each fault, as OpenSSL and real clients see them."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
import warnings
from urllib.parse import urlsplit

import pytest

from helpers.client import RealtimeClient
from helpers.errors import ConnectionFailed
from helpers.lab.network import SATELLITE, TlsFault, has_ipv6, network, tls_front
from helpers.lab.network.front import Family
from helpers.target import Target
from tests.network.echo import LIMIT_S

#: What OpenSSL says to each; the sentence is the client's, so that it holds for curl and Node as well.
SENTENCES = {
    TlsFault.EXPIRED: "certificate has expired",
    TlsFault.NOT_YET_VALID: "certificate is not yet valid",
    TlsFault.WRONG_NAME: "Hostname mismatch, certificate is not valid for 'localhost'",
    TlsFault.UNKNOWN_AUTHORITY: "unable to get local issuer certificate",
    TlsFault.MISSING_INTERMEDIATE: "unable to get local issuer certificate",
    TlsFault.SELF_SIGNED: "self-signed certificate",
    TlsFault.OLD_VERSION: "alert protocol version",
}


async def handshake(target: Target, context: ssl.SSLContext) -> ssl.SSLObject:
    """Agree on TLS with whoever is there, and leave."""
    parts = urlsplit(target.api_url)
    async with asyncio.timeout(LIMIT_S):
        _, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=context)
    found: ssl.SSLObject = writer.get_extra_info("ssl_object")
    writer.transport.abort()
    return found


@pytest.mark.parametrize("fault", list(SENTENCES))
async def test_a_fault_is_what_openssl_says_it_is(echoing: Target, fault: TlsFault) -> None:
    """A client that trusts the lab's authority refuses the front, and for this very reason."""
    async with tls_front(echoing, fault) as front:
        with pytest.raises(ssl.SSLError, match=SENTENCES[fault]):
            await handshake(front.target, front.client_context())


@pytest.mark.parametrize(("fault", "days"), [(TlsFault.NONE, 90), (TlsFault.EXPIRES_SOON, 3)])
async def test_a_good_certificate_is_good_for_so_many_days(echoing: Target, fault: TlsFault, days: int) -> None:
    """It is for localhost and both loopback addresses, by the lab's authority."""
    async with tls_front(echoing, fault) as front:
        tls = await handshake(front.target, front.client_context())
        peer = tls.getpeercert() or {}
        left_s = ssl.cert_time_to_seconds(str(peer["notAfter"])) - ssl.cert_time_to_seconds(str(peer["notBefore"]))
        assert left_s // 86_400 == days + 30
        assert {value for _, value in peer["subjectAltName"]} >= {"localhost", "127.0.0.1"}
        assert tls.version() == "TLSv1.3"


async def test_an_old_version_is_really_spoken(echoing: Target) -> None:
    """A client that still speaks TLS 1.1 gets through: the refusal of new ones is for the version alone."""
    async with tls_front(echoing, TlsFault.OLD_VERSION) as front:
        context = front.client_context()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        try:
            tls = await handshake(front.target, context)
        except ssl.SSLError as error:
            pytest.skip(f"this OpenSSL speaks no TLS 1.1 any more: {error.reason}")
        assert tls.version() == "TLSv1.1"


@pytest.mark.parametrize("fault", [*SENTENCES, TlsFault.EXPIRES_SOON, TlsFault.NONE])
async def test_the_measuring_client_trusts_by_environment(
    target: Target, monkeypatch: pytest.MonkeyPatch, fault: TlsFault
) -> None:
    """With SSL_CERT_FILE the whole of the lab is reached by TLS, or refused for its fault."""
    async with tls_front(target, fault) as front:
        monkeypatch.setenv("SSL_CERT_FILE", front.environment["SSL_CERT_FILE"])
        client = RealtimeClient(front.target)
        if fault in SENTENCES:
            with pytest.raises(ConnectionFailed, match="TLS"):
                await client.connect()
            return
        async with client:
            assert await client.heartbeat() > 0


async def test_without_the_environment_the_authority_is_unknown(target: Target) -> None:
    """Nothing of this machine's trust has changed."""
    async with tls_front(target) as front:
        with pytest.raises(ConnectionFailed, match="TLS"):
            await RealtimeClient(front.target).connect()


async def test_another_process_trusts_by_environment(target: Target) -> None:
    """REST over TLS, from a fresh Python that knows only the variable."""
    script = "import httpx, os, ssl; print(httpx.get(os.environ['URL'], verify=ssl.create_default_context()).text)"
    async with tls_front(target) as front:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script),
            env={
                **os.environ,
                **front.environment,
                "URL": f"{front.target.auth_url}/health?apikey={target.publishable_key}",
            },
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(LIMIT_S):
            answer, _ = await process.communicate()
    assert json.loads(answer)["name"]


async def test_a_network_before_the_front_delays_the_handshake(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """TCP, TLS and the upgrade cost a round trip each: over a satellite connecting takes three."""
    async with tls_front(target) as front, network(front.target, SATELLITE) as via:
        monkeypatch.setenv("SSL_CERT_FILE", str(front.ca_file))
        async with RealtimeClient(via.target) as client:
            assert client.connect_ms >= 3 * SATELLITE.rtt_ms


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback address")
async def test_a_front_may_listen_on_ipv6(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate is good for ::1, too."""
    async with tls_front(target, family=Family.V6) as front:
        monkeypatch.setenv("SSL_CERT_FILE", str(front.ca_file))
        assert front.target.api_url.startswith("https://[::1]:")
        async with RealtimeClient(front.target) as client:
            assert await client.heartbeat() > 0
