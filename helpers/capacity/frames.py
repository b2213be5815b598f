"""Tables for people: ceilings, plans, published figures, projections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from helpers.capacity.design import Flow
from helpers.capacity.growth import Axis, Ceiling, ceilings
from helpers.capacity.model import Interval, Load, Model
from helpers.capacity.projection import Projection
from helpers.capacity.published import rows_of
from helpers.capacity.quota import HOSTED, Traffic, most_subscribers, quota_use

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ceilings_frame", "plans_frame", "projections_frame", "published_frame"]


def ceilings_frame(model: Model, load: Load) -> pd.DataFrame:
    """One row for each target, one column for each thing that can grow; what fails first is marked."""
    import pandas as pd

    columns: dict[str, dict[str, str]] = {}
    for axis in Axis:
        found = ceilings(model, load, axis)
        first = found[0].goal if math.isfinite(found[0].at.value) else None
        columns[axis.label] = {one.goal: _shown(one) + (" ← first" if one.goal == first else "") for one in found}
    return pd.DataFrame(columns)


def _shown(found: Ceiling) -> str:
    if found.at.value == 0:
        return "missed from the start"
    return "does not fail by this" if math.isinf(found.at.value) else in_words(found.at)


def in_words(found: Interval) -> str:
    """ "1,200 (900 to 1,500)"."""
    if math.isinf(found.value):
        return "no number helps"
    return f"{_number(found.value)} ({_number(found.low)} to {_number(found.high)})"


def _number(value: float) -> str:
    """Three significant digits, with words for what is too long to read."""
    if math.isinf(value):
        return "no end"
    for unit, name in ((1e12, " trillion"), (1e9, " billion"), (1e6, " million")):
        if abs(value) >= unit:
            return f"{value / unit:.3g}{name}"
    if abs(value) < 100:
        return f"{value:.3g}"
    digits = 10 ** max(0, math.floor(math.log10(abs(value))) - 2)
    return f"{round(value / digits) * digits:,.0f}"


def plans_frame(traffic: Traffic) -> pd.DataFrame:
    """One row for each hosted plan: what it says of a load, and how far its channels may grow."""
    import pandas as pd

    rows = []
    for plan in HOSTED:
        use, (most, limit) = quota_use(plan, traffic), most_subscribers(plan, traffic)
        rows.append(
            {
                "plan": plan.value,
                **{name: f"{100 * share:,.0f} %" for name, share in use.shares.items()},
                "says": "carries it" if use.fits else "refuses: " + ", ".join(use.refused),
                "dollars a month beyond the plan": "-" if use.dollars is None else f"{use.dollars:,.2f}",
                "most subscribers a channel": f"{most:,}",
                "by": limit,
            }
        )
    return pd.DataFrame(rows).set_index("plan")


def published_frame(flow: Flow) -> pd.DataFrame:
    """What the vendor has published of measured loads."""
    import pandas as pd

    return pd.DataFrame(
        [
            {"what": row.what, "clients": row.clients, "deliveries/s": row.deliveries_per_s, "p95 (ms)": row.p95_ms}
            for row in rows_of(flow)
        ]
    )


def projections_frame(rows: Sequence[Projection]) -> pd.DataFrame:
    """One column for each number of clients."""
    import pandas as pd

    return pd.DataFrame({f"{row.clients:,} clients": _column(row) for row in rows})


def _column(row: Projection) -> dict[str, str]:
    return {
        "connections at the peak": _number(row.connections),
        "messages sent/s": _number(row.sent_per_s),
        "deliveries/s": _number(row.deliveries_per_s),
        "messages a month, as billed": _number(row.messages_per_month),
        "egress (GB a month)": _number(row.egress_gb_per_month),
        "dollars a month, if the list went so far": _number(row.list_dollars),
        "channels a server carries": f"{in_words(row.channels_per_server)}, then: {row.limit}",
        "servers of one core": in_words(row.servers),
        "their memory for connections (GB)": _number(row.server_gb),
        "plan": row.plan + (f" ({', '.join(row.refused)})" if row.refused else ""),
        "published figures": row.not_published or "go so far",
    }
