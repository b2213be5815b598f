"""What the vendor has published of measured loads, as far as a projection may lean on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from helpers.capacity.design import Flow

__all__ = ["BROADCASTS", "CHANGES", "SOURCES", "Published", "largest_published", "not_published"]

SOURCES: dict[str, str] = {
    "broadcast": "https://supabase.com/docs/guides/realtime/benchmarks",
    "postgres_changes": "https://supabase.com/docs/guides/realtime/postgres-changes",
}


@dataclass(frozen=True, slots=True)
class Published:
    """One row of a published table.

    Attributes:
        what: the scenario, or the compute size. deliveries_per_s: to all clients.
        changes_per_s: of the database, for changes.
    """

    what: str
    clients: int
    deliveries_per_s: float
    p95_ms: float
    changes_per_s: float = math.inf


#: Clusters of 2 to 6 nodes. "> 800,000" and "> 150,000" are taken as they stand.
BROADCASTS: tuple[Published, ...] = (
    Published("broadcast by a client", 32_000, 224_000, 28),
    Published("broadcast from the database", 80_000, 10_000, 132),
    Published("large scale, 100 users a channel", 250_000, 800_000, 279),
    Published("private channels", 50_000, 150_000, 49),
)

#: Without filters (none are published with). Two rows that contradict themselves are left out: 100,000 and 200,000
#: clients, whose 0.1 and 0.05 changes a second do not make the 40,000 deliveries that stand beside them.
CHANGES: dict[Flow, tuple[Published, ...]] = {
    Flow.CHANGES: (
        Published("Micro", 500, 32_000, 238, 64),
        Published("Micro", 5_000, 50_000, 807, 10),
        Published("Micro", 10_000, 50_000, 1_310, 5),
        Published("Micro", 30_000, 30_000, 941, 1),
        Published("Small to Medium", 500, 32_000, 184, 64),
        Published("Small to Medium", 5_000, 50_000, 782, 10),
        Published("Small to Medium", 10_000, 50_000, 1_349, 5),
        Published("Small to Medium", 35_000, 35_000, 1_287, 1),
        Published("Large to 16XL", 500, 32_000, 184, 64),
        Published("Large to 16XL", 5_000, 50_000, 672, 10),
        Published("Large to 16XL", 10_000, 50_000, 1_253, 5),
        Published("Large to 16XL", 35_000, 35_000, 1_257, 1),
    ),
    Flow.SECURED: (
        Published("Micro", 500, 3_000, 228, 30),
        Published("Micro", 1_500, 3_000, 356, 10),
        Published("Micro", 3_000, 3_000, 616, 5),
        Published("Small to Medium", 500, 3_000, 282, 30),
        Published("Small to Medium", 1_500, 3_000, 387, 10),
        Published("Small to Medium", 3_000, 3_000, 920, 5),
        Published("Large to 16XL", 500, 4_000, 618, 40),
        Published("Large to 16XL", 2_000, 4_000, 606, 10),
        Published("Large to 16XL", 4_000, 4_000, 918, 5),
    ),
}


def rows_of(flow: Flow) -> tuple[Published, ...]:
    """What is published of a flow."""
    return CHANGES[flow] if flow.is_change else BROADCASTS


def largest_published(flow: Flow) -> tuple[int, float]:
    """The most clients, and the most deliveries a second, of any row; not of the same row, perhaps."""
    rows = rows_of(flow)
    return max(row.clients for row in rows), max(row.deliveries_per_s for row in rows)


def not_published(flow: Flow, clients: float, deliveries_per_s: float, sent_per_s: float) -> str:
    """Why no published row covers a load; empty if one has as many clients, deliveries, and changes."""
    for row in rows_of(flow):
        if row.clients >= clients and row.deliveries_per_s >= deliveries_per_s and row.changes_per_s >= sent_per_s:
            return ""
    most, fastest = largest_published(flow)
    known = f"at most {most:,} clients, and at most {fastest:,.0f} deliveries a second"
    changes = max(row.changes_per_s for row in rows_of(flow))
    return f"go to {known}" + (f", and at most {changes:,.0f} changes a second" if flow.is_change else "")
