"""TLS in front of a target, with a good certificate or with a fault that a client is to find."""

from __future__ import annotations

import ssl
import tempfile
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.lab.network.front import Family
from helpers.lab.network.network import Network
from helpers.lab.network.presets import PERFECT
from helpers.target import Target

if TYPE_CHECKING:
    import trustme

__all__ = ["TlsFault", "TlsFront", "tls_front"]

#: What the front is called by; a certificate for the wrong name has the other one.
NAMES = ("localhost", "127.0.0.1", "::1")
WRONG_NAME = "elsewhere.test"
GOOD_DAYS, SOON_DAYS = 90, 3


class TlsFault(StrEnum):
    """What is wrong with the TLS of a front."""

    NONE = "good"
    EXPIRED = "expired"  # yesterday
    NOT_YET_VALID = "not yet valid"  # from tomorrow on; a clock that is slow sees every new certificate so
    EXPIRES_SOON = "expires soon"  # in three days; still accepted
    WRONG_NAME = "wrong name"  # is for elsewhere.test
    UNKNOWN_AUTHORITY = "unknown authority"  # signed by one that the client does not trust, as in a company's proxy
    SELF_SIGNED = "self-signed"
    MISSING_INTERMEDIATE = "missing intermediate"  # the server sends its own certificate and not its issuer's
    OLD_VERSION = "old version"  # speaks TLS 1.0 and 1.1 alone


class TlsFront(Network):
    """Made by `tls_front`.

    Attributes:
        target: the target behind, its address ``https://localhost:…``.
        ca_file: the authority (PEM) that a client of this front trusts, or would trust if its certificate were good.
        environment: variables that make OpenSSL (Python), Node and `requests` trust it.
    """

    def __init__(self, behind: Target, fault: TlsFault, family: Family, folder: Path) -> None:
        authority = _authority("Authority of the lab")
        super().__init__(behind, PERFECT, family=family, tls=_server_context(fault, authority))
        self.fault = fault
        self.ca_file = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))

    @property
    def environment(self) -> dict[str, str]:
        file = str(self.ca_file)
        return {"SSL_CERT_FILE": file, "NODE_EXTRA_CA_CERTS": file, "REQUESTS_CA_BUNDLE": file}

    def client_context(self) -> ssl.SSLContext:
        """What a client uses that trusts the authority, and nobody else."""
        return ssl.create_default_context(cafile=str(self.ca_file))


@asynccontextmanager
async def tls_front(
    target: Target, fault: TlsFault = TlsFault.NONE, *, family: Family = Family.V4
) -> AsyncIterator[TlsFront]:
    """End TLS in front of a target that speaks plain HTTP, as the lab does.

        async with tls_front(lab.target, TlsFault.EXPIRED) as front:
            await diagnose(front.target)

    Nothing of the machine's trust changes: a client has to be told, by `client_context` or `environment`. For a
    network's delays in the handshake of TLS put the network before it, ``network(front.target, …)``; for rules about
    messages put it behind, ``tls_front(via.target)``.

    Raises:
        LabError: it cannot listen.
    """
    with tempfile.TemporaryDirectory(prefix="workbook-tls-") as folder:
        front = TlsFront(target, fault, family, Path(folder))
        try:
            yield front
        finally:
            await front.stop()


def _server_context(fault: TlsFault, authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if fault is TlsFault.OLD_VERSION:
        _allow_old_versions_alone(context)
    if fault is TlsFault.SELF_SIGNED:
        itself = _authority("Itself")
        _load(context, itself.cert_pem, itself.private_key_pem)
    elif fault is TlsFault.UNKNOWN_AUTHORITY:
        stranger = _authority("Authority of a company's proxy")
        stranger.issue_cert(*NAMES).configure_cert(context)
    elif fault is TlsFault.MISSING_INTERMEDIATE:
        leaf = authority.create_child_ca().issue_cert(*NAMES)
        _load(context, leaf.cert_chain_pems[0], leaf.private_key_pem)
    else:
        _certificate(fault, authority).configure_cert(context)
    return context


def _authority(name: str) -> trustme.CA:
    """Imported here: reading it takes 0.1 s, and most who import this room make no certificates."""
    import trustme

    return trustme.CA(organization_name=name)


def _certificate(fault: TlsFault, authority: trustme.CA) -> trustme.LeafCert:
    """By the trusted authority, for the right name and time, as far as the fault lets it."""
    days = {TlsFault.EXPIRED: -1, TlsFault.EXPIRES_SOON: SOON_DAYS}.get(fault, GOOD_DAYS)
    begins = 1 if fault is TlsFault.NOT_YET_VALID else -30
    now = datetime.now(UTC)
    names = (WRONG_NAME,) if fault is TlsFault.WRONG_NAME else NAMES
    # An hour more, so that whoever counts whole days finds as many.
    until = now + timedelta(days=days, hours=1 if days > 0 else 0)
    return authority.issue_cert(*names, not_before=now + timedelta(days=begins), not_after=until)


def _load(context: ssl.SSLContext, certificate: trustme.Blob, key: trustme.Blob) -> None:
    """Serve this one certificate alone, without a chain. `ssl` reads files only."""
    with tempfile.TemporaryDirectory(prefix="workbook-tls-") as folder:
        chain, secret = Path(folder) / "certificate.pem", Path(folder) / "key.pem"
        certificate.write_to_path(str(chain))
        key.write_to_path(str(secret))
        context.load_cert_chain(chain, secret)


def _allow_old_versions_alone(context: ssl.SSLContext) -> None:
    """TLS 1.0 and 1.1, which need OpenSSL's lowest level of security: their signatures are of SHA-1.

    A client that offers only newer versions is answered with the alert `protocol_version`, as by any old server.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT@SECLEVEL=0")
