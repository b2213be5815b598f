"""Scenarios of TLS: certificates with a fault, in front of the lab."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace

from helpers.diagnosis.probes import certificate
from helpers.diagnosis.results import Check, Status
from helpers.lab.network import Family, TlsFault, has_ipv6, tls_front
from tests.diagnosis.scenarios.scenario import Scenario
from tests.diagnosis.scenarios.tools import look_at_way_in
from tests.diagnosis.scenarios.ward import Ward

__all__ = ["SCENARIOS"]

FAMILY = Family.BOTH if has_ipv6() else Family.V4


def front(fault: TlsFault) -> Callable[[Ward], Awaitable[None]]:
    """Serve the lab by https with this fault."""

    async def breaks(ward: Ward) -> None:
        ward.tools["behind"] = ward.target
        await _front(ward, fault)

    return breaks


async def _front(ward: Ward, fault: TlsFault) -> None:
    made = await ward.cleanup.enter_async_context(tls_front(ward.tools["behind"], fault, family=FAMILY))
    before = os.environ.get("SSL_CERT_FILE")
    ward.cleanup.callback(_set, before)
    _set(str(made.ca_file))
    ward.target = made.target


def _set(file: str | None) -> None:
    """The authorities that this process trusts."""
    if file is None:
        os.environ.pop("SSL_CERT_FILE", None)
    else:
        os.environ["SSL_CERT_FILE"] = file


def renewed(words: str) -> Callable[[Ward, Check], Awaitable[None]]:
    """A good certificate in the place of the bad one, as the fix says in these words."""

    async def mends(ward: Ward, check: Check) -> None:
        assert words in check.fix
        await _front(ward, TlsFault.NONE)

    return mends


async def in_the_clear(ward: Ward) -> None:
    """0.0.0.0 leads to this machine, and does not count as loopback."""
    ward.tools["behind"] = ward.target
    ward.target = replace(ward.target, api_url=ward.target.api_url.replace("127.0.0.1", "0.0.0.0"))


async def of_a_public_authority(ward: Ward, check: Check) -> None:
    """Nobody in between any more: the authority is one that browsers know."""
    ward.cleanup.callback(setattr, certificate, "known_to_browsers", certificate.known_to_browsers)
    certificate.known_to_browsers = lambda authorities: True


SCENARIOS = (
    Scenario("encrypted", "http to another machine", in_the_clear, look_at_way_in, renewed("https://"), Status.WARNING),
    Scenario(
        "signed_publicly",
        "a network's own authority",
        front(TlsFault.NONE),
        look_at_way_in,
        of_a_public_authority,
        Status.NOTE,
    ),
    Scenario("certificate_valid", "expired", front(TlsFault.EXPIRED), look_at_way_in, renewed("certbot renew")),
    Scenario("certificate_valid", "not yet", front(TlsFault.NOT_YET_VALID), look_at_way_in, renewed("wait for its")),
    Scenario(
        "certificate_valid",
        "ends soon",
        front(TlsFault.EXPIRES_SOON),
        look_at_way_in,
        renewed("certbot renew"),
        Status.WARNING,
    ),
    Scenario("certificate_name", "another name", front(TlsFault.WRONG_NAME), look_at_way_in, renewed("a certificate")),
    Scenario("certificate_trusted", "a stranger", front(TlsFault.UNKNOWN_AUTHORITY), look_at_way_in, renewed("trust")),
    Scenario("certificate_trusted", "itself", front(TlsFault.SELF_SIGNED), look_at_way_in, renewed("trust")),
    Scenario(
        "certificate_trusted",
        "no intermediate",
        front(TlsFault.MISSING_INTERMEDIATE),
        look_at_way_in,
        renewed("fullchain.pem"),
    ),
    Scenario("tls_agreed", "old versions alone", front(TlsFault.OLD_VERSION), look_at_way_in, renewed("TLSv1.2")),
)
