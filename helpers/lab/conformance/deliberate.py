"""The differences from the genuine server that are meant, each with its reason. There are no others."""

from __future__ import annotations

import re
from dataclasses import dataclass

from helpers.lab.conformance.compare import Difference

__all__ = ["DELIBERATE", "Deliberate", "reason_for"]


@dataclass(frozen=True, slots=True)
class Deliberate:
    """Differences of one scenario, on connections whose names match and in messages that do, and why they are meant."""

    scenario: str
    conn: str
    message: str
    reason: str

    def covers(self, difference: Difference) -> bool:
        """Whether this is one of them."""
        return (
            difference.recording.startswith(f"{self.scenario}.")
            and re.fullmatch(self.conn, difference.conn) is not None
            and re.search(self.message, f"{difference.recorded} became {difference.observed}") is not None
        )


DELIBERATE: tuple[Deliberate, ...] = (
    Deliberate(
        "handshake_errors", r"(unknown_tenant|no_subdomain)#1", r"Tenant not found|None became (open|closed 1000)$",
        "A self-hosted server finds its project by the first label of the host. A lab is one project, by any name.",
    ),
    Deliberate(
        "http_broadcast", "http|a#1", r'Tenant not found in database|^None became (?=.*"realtime:room:h")(?=.*"n": 1)',
        "A self-hosted server finds its project by the first label of the host. A lab is one project, by any name.",
    ),
)  # fmt: skip


def reason_for(difference: Difference) -> str | None:
    """Why a difference is meant; None if it is not."""
    return next((entry.reason for entry in DELIBERATE if entry.covers(difference)), None)
