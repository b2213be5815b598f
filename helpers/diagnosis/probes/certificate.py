"""Reads the certificate that a server shows, also one that is not trusted."""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
from collections.abc import Sequence
from typing import Any, cast

from helpers.diagnosis.evidence import Certificate

__all__ = ["agreed_certificate", "known_to_browsers", "shown_certificate"]

LIMIT_S = 3.0
DAY_S = 86_400


def agreed_certificate(tls: Any) -> Certificate:
    """The certificate of an open, verified connection."""
    cipher = tls.cipher()
    return _certificate(_chain(tls, verified=True) or [tls.getpeercert()], tls.version(), cipher[0] if cipher else "")


async def shown_certificate(host: str, where: tuple[Any, ...]) -> Certificate | None:
    """The certificate that a server shows at this address, on a connection of its own on which nothing is sent."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(LIMIT_S):
            _, writer = await asyncio.open_connection(where[0], where[1], ssl=context, server_hostname=host)
    except (OSError, TimeoutError):
        return None
    try:
        chain = _chain(writer.get_extra_info("ssl_object"), verified=False)
        return _certificate(chain, None, "") if chain else None
    finally:
        writer.transport.abort()


def _chain(tls: Any, *, verified: bool) -> list[dict[str, Any]]:
    """The certificates as dictionaries, the server's own first.

    `ssl` has no public way to more than the server's own, and to none that is not trusted (Python 3.13 has one to
    their bytes); where the object beneath has another shape, there is nothing to tell.
    """
    beneath = getattr(tls, "_sslobj", None)
    read = getattr(beneath, "get_verified_chain" if verified else "get_unverified_chain", None)
    return [each.get_info() for each in read() or ()] if read else []


def _certificate(chain: Sequence[dict[str, Any]], version: str | None, cipher: str) -> Certificate:
    own, now = chain[0], time.time()
    authorities = [own.get("issuer", ()), *(each.get("issuer", ()) for each in chain[1:])]
    names = tuple(dict.fromkeys(_name(each) for each in authorities))
    return Certificate(
        version=version or "",
        cipher=cipher,
        issuer=names[0],
        days_left=(ssl.cert_time_to_seconds(str(own["notAfter"])) - now) / DAY_S,
        days_old=(now - ssl.cert_time_to_seconds(str(own["notBefore"]))) / DAY_S,
        names=tuple(str(value) for _, value in own.get("subjectAltName", ())),
        chain=names,
        public=known_to_browsers(authorities) if version else None,
    )


def _name(distinguished: Any) -> str:
    """The organization of a distinguished name, else its common name."""
    parts: dict[str, str] = dict(part[0] for part in cast("Any", distinguished))
    return parts.get("organizationName") or parts.get("commonName") or "unknown"


def known_to_browsers(authorities: Sequence[Any]) -> bool | None:
    """Whether one of these names is that of an authority that Mozilla trusts; None where that list is not there."""
    known = _browsers_authorities()
    return any(each in known for each in authorities) if known else None


@functools.cache
def _browsers_authorities() -> frozenset[Any]:
    """The names of the authorities that Mozilla trusts, by the package `certifi`; empty where it is not installed."""
    try:
        import certifi
    except ImportError:
        return frozenset()
    certificates = ssl.create_default_context(cafile=certifi.where()).get_ca_certs()
    return frozenset(cast("Any", each.get("subject")) for each in certificates)
