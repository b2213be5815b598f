"""The way in: addresses, certificate, and the answer to the upgrade."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.diagnosis.evidence.base import Step

__all__ = ["Address", "Certificate", "Connection"]


@dataclass(frozen=True, slots=True)
class Address:
    """One address of the host, and how a TCP connect to it ended (`fault` empty: it was accepted)."""

    family: str
    address: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What TLS agreed on. `days_left` counts from this machine's clock."""

    version: str
    cipher: str
    issuer: str
    days_left: float


@dataclass(frozen=True, slots=True)
class Connection:
    """The way in, from the host's name to the answer to the upgrade.

    Attributes:
        host, port, secure: what was connected to.
        steps: DNS, TCP, TLS and HTTP upgrade, each once, in that order.
        addresses: all addresses of the host; those before the first that accepted carry their fault.
        certificate: None on plain HTTP, or when TLS failed.
        status: HTTP status of the answer to the upgrade (101 is the granted one), None without an answer.
        body: the answer's body when it was refused, shortened.
        server: which program says that it answered (`Server` header), if it does.
    """

    host: str
    port: int
    secure: bool
    steps: tuple[Step, ...]
    addresses: tuple[Address, ...] = ()
    certificate: Certificate | None = None
    status: int | None = None
    body: str = ""
    server: str = ""
    took_ms: float = 0.0

    @property
    def open(self) -> bool:
        return self.status == 101

    @property
    def reached(self) -> bool:
        """Whether anything answered in HTTP."""
        return self.status is not None

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)
