"""Targets that cannot be diagnosed further: the first line of the result names the cause, and nothing is raised."""

from __future__ import annotations

import socket

import pytest

from helpers.diagnosis import Diagnosis, Status, diagnose
from helpers.lab.network import TlsFault, tls_front
from helpers.target import Target, TargetKind
from tests.diagnosis import strangers


async def of(url: str) -> Diagnosis:
    return await diagnose(Target(TargetKind.LOCAL, url, "sb_publishable_test"))


def first_line(diagnosis: Diagnosis) -> str:
    return str(diagnosis).splitlines()[0]


def failing_layer(diagnosis: Diagnosis) -> str:
    return next(layer.name for layer in diagnosis.layers if layer.status is Status.FAILURE)


async def test_a_name_without_an_address() -> None:
    """A host that does not resolve is named, and nothing behind it counts as failed."""
    diagnosis = await of("https://no-such-project.invalid")
    assert first_line(diagnosis).startswith("There is no host no-such-project.invalid")
    assert failing_layer(diagnosis) == "DNS"
    assert [check.id for check in diagnosis.failures] == ["host_found"]


async def test_a_closed_port() -> None:
    """A port at which nobody listens is refused at once."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        diagnosis = await of(f"http://127.0.0.1:{port}")
    assert first_line(diagnosis).startswith(f"Nothing listens at 127.0.0.1 port {port}")
    assert failing_layer(diagnosis) == "TCP"


async def test_a_black_hole() -> None:
    """A port that accepts and never answers ends by the step's own limit of time."""
    async with strangers.tcp(strangers.black_hole) as port:
        diagnosis = await of(f"http://127.0.0.1:{port}")
    assert "accepts connections and never answers" in first_line(diagnosis)
    assert failing_layer(diagnosis) == "HTTP upgrade"
    assert diagnosis.repeats == 1


async def test_a_web_server_that_is_not_supabase() -> None:
    """A page in place of an upgrade is somebody else's server."""
    async with strangers.tcp(strangers.web_page) as port:
        diagnosis = await of(f"http://127.0.0.1:{port}")
    assert first_line(diagnosis) == f"The server at 127.0.0.1 port {port} is not Supabase (HTTP 200 by nginx)"


async def test_a_server_that_speaks_another_protocol() -> None:
    """Garbage in place of HTTP is not Supabase either."""
    async with strangers.tcp(strangers.greeter) as port:
        diagnosis = await of(f"http://127.0.0.1:{port}")
    assert "it is not Supabase" in first_line(diagnosis)


async def test_a_project_without_realtime() -> None:
    """Where Auth and REST answer as Supabase's and Realtime's path is unknown, Realtime is what is missing."""
    async with strangers.http(strangers.supabase_without_realtime()) as port:
        diagnosis = await of(f"http://127.0.0.1:{port}")
    assert first_line(diagnosis).startswith("This Supabase has no Realtime at /realtime/v1 (HTTP 404 by Python")


async def test_a_realtime_that_says_nothing() -> None:
    """An open connection without an answer to the heartbeat is a dead one."""
    async with strangers.http(strangers.mute_realtime()) as port:
        diagnosis = await of(f"http://127.0.0.1:{port}")
    assert first_line(diagnosis).startswith("The connection is open but dead")
    assert failing_layer(diagnosis) == "heartbeat"


async def test_plain_http_where_tls_is_expected() -> None:
    """https to a port that speaks another protocol fails in TLS."""
    async with strangers.tcp(strangers.greeter) as port:
        diagnosis = await of(f"https://127.0.0.1:{port}")
    assert "answers, but not in TLS" in first_line(diagnosis)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (TlsFault.SELF_SIGNED, "is signed by “Itself”, whom this machine does not trust (self-signed certificate)"),
        (TlsFault.UNKNOWN_AUTHORITY, "is signed by “Authority of a company's proxy”, whom this machine does not trust"),
        (TlsFault.MISSING_INTERMEDIATE, "whom this machine does not trust (unable to get local issuer certificate)"),
        (TlsFault.EXPIRED, "The certificate of localhost has expired 1.0 days ago"),
        (TlsFault.NOT_YET_VALID, "The certificate of localhost is not yet valid for 1.0 days"),
        (TlsFault.WRONG_NAME, "The certificate is not for localhost, but for elsewhere.test"),
        (TlsFault.OLD_VERSION, "speaks only versions of TLS that are too old"),
    ],
)
async def test_a_certificate_at_fault(
    target: Target, monkeypatch: pytest.MonkeyPatch, fault: TlsFault, words: str
) -> None:
    """Who signed it, its time, its name and the version of TLS are told apart, and the first line says which it is."""
    async with tls_front(target, fault) as front:
        monkeypatch.setenv("SSL_CERT_FILE", str(front.ca_file))
        diagnosis = await of(front.target.api_url)
    assert words in first_line(diagnosis)
    assert len(diagnosis.failures) == 1


async def test_tls_is_timed_on_the_same_connection(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over TLS each of the first four layers has its own time, one after the other, and the cipher is seen."""
    async with tls_front(target) as front:
        monkeypatch.setenv("SSL_CERT_FILE", str(front.ca_file))
        diagnosis = await of(front.target.api_url)
    way = {layer.name: layer for layer in diagnosis.layers[:4]}
    ends = [layer.started_ms + layer.took_ms for layer in way.values()]
    assert all(layer.took_ms > 0 for layer in way.values())
    assert all(end <= nxt.started_ms for end, nxt in zip(ends, list(way.values())[1:], strict=False))
    assert way["TLS"].detail.startswith("TLSv1.3")
    assert "90 days left" in diagnosis.check("certificate_valid").evidence


async def test_a_certificate_that_ends_soon_is_a_warning(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three days before its end a certificate still works, and says so."""
    async with tls_front(target, TlsFault.EXPIRES_SOON) as front:
        monkeypatch.setenv("SSL_CERT_FILE", str(front.ca_file))
        diagnosis = await of(front.target.api_url)
    assert diagnosis.check("certificate_valid").status is Status.WARNING
