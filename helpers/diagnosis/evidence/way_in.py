"""The way in: addresses, certificate, and the answer to the upgrade."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.diagnosis.evidence.base import Step

__all__ = ["Address", "Certificate", "Connection"]


@dataclass(frozen=True, slots=True)
class Address:
    """One address of the host, and how a TCP connect to it ended (`fault` empty: it was accepted).

    `here` tells a fault of this machine, which has no way to addresses of that family, from one of the other side.
    """

    family: str
    address: str
    fault: str = ""
    took_ms: float = 0.0
    here: bool = False


@dataclass(frozen=True, slots=True)
class Certificate:
    """The certificate that the server showed, trusted or not, and what TLS agreed on.

    Attributes:
        version, cipher: of the agreement; empty when there was none.
        issuer: who signed it.
        days_left, days_old: to its end and since its begin, by this machine's clock.
        names: for which hosts it is good.
        chain: the names of the authorities behind it, the nearest first; of an untrusted one, those that were sent.
        public: whether an authority behind it is one that all browsers know; None if that cannot be told.
    """

    version: str
    cipher: str
    issuer: str
    days_left: float
    days_old: float = 0.0
    names: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    public: bool | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """The way in, from the host's name to the answer to the upgrade.

    Attributes:
        host, port, secure: what was connected to.
        steps: DNS, TCP, TLS and HTTP upgrade, each once, in that order.
        addresses: all addresses of the host; those before the first that accepted carry their fault.
        certificate: None on plain HTTP, or when none was seen.
        status: HTTP status of the answer to the upgrade (101 is the granted one), None without an answer.
        body: the answer's body when it was refused, shortened.
        headers: of the answer, those that tell who answered and what was agreed on, names in lower case.
    """

    host: str
    port: int
    secure: bool
    steps: tuple[Step, ...]
    addresses: tuple[Address, ...] = ()
    certificate: Certificate | None = None
    status: int | None = None
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    took_ms: float = 0.0

    @property
    def open(self) -> bool:
        return self.status == 101

    @property
    def reached(self) -> bool:
        """Whether anything answered in HTTP."""
        return self.status is not None

    @property
    def server(self) -> str:
        """Which program says that it answered, if it does."""
        return self.header("server")

    @property
    def compressed(self) -> bool:
        """Whether permessage-deflate was agreed on."""
        return "permessage-deflate" in self.header("sec-websocket-extensions")

    def header(self, name: str) -> str:
        """The header's value, empty when there was none."""
        return dict(self.headers).get(name, "")

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)
