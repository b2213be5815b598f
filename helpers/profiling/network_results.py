"""What a measurement of networks says, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from helpers.profiling.statistics import Summary

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LinkLoss", "LinkLossProfile", "NetworkProfile", "NetworkStep"]


@dataclass(frozen=True, slots=True)
class NetworkStep:
    """What one network did.

    Attributes:
        set_rtt_ms: the least round trip that its conditions allow.
        connect_ms: opening the socket, handshake included. round_trip_ms: of heartbeats.
        delivery_ms: from the sending of a broadcast outside of the network to its receipt inside.
        stalls: losses that it dealt out.
    """

    network: str
    set_rtt_ms: float
    connect_ms: Summary
    round_trip_ms: Summary
    delivery_ms: Summary | None
    lost: int
    stalls: int


@dataclass(frozen=True, slots=True)
class NetworkProfile:
    """One target seen through several networks."""

    target: str
    taken_at: str
    steps: tuple[NetworkStep, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row for each network: medians, and what its conditions were set to."""
        import pandas as pd

        return pd.DataFrame(
            {
                "network": step.network,
                "round trip, set (ms)": step.set_rtt_ms,
                "round trip (ms)": round(step.round_trip_ms.p50, 1),
                "connect (ms)": round(step.connect_ms.p50, 1),
                "delivery p50 (ms)": round(step.delivery_ms.p50, 1) if step.delivery_ms else None,
                "delivery max (ms)": round(step.delivery_ms.max, 1) if step.delivery_ms else None,
                "lost": step.lost,
                "stalls": step.stalls,
            }
            for step in self.steps
        )


@dataclass(frozen=True, slots=True)
class LinkLoss:
    """One way in which links end, and after how many seconds clients knew."""

    ending: str
    noticed_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LinkLossProfile:
    """How long a dead link goes unnoticed, for a client with these heartbeats."""

    target: str
    taken_at: str
    heartbeat_s: float
    timeout_s: float
    losses: tuple[LinkLoss, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row for each way to end."""
        import pandas as pd

        return pd.DataFrame(
            {
                "the link ends by": loss.ending,
                "n": len(loss.noticed_s),
                "noticed after, least (s)": round(min(loss.noticed_s), 3),
                "most (s)": round(max(loss.noticed_s), 3),
            }
            for loss in self.losses
        )
