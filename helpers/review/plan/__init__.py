"""From what a review found to a plan: changes as diffs and SQL, each with its gain as measured in a lab.

    usage = Usage.from_toml("usage.toml")
    plan = await make_plan(reviewed.inventory, reviewed.findings, usage=usage)
    plan.patch()                                # for `git apply`

The floors, from the ground: `usage` is what happens in the application (`observed` reads it from the database's own
statistics); `replay` carries subscriptions out before and after a change; `gains` says what that means; `rewriting`
edits code; `proposing` makes changes of findings; `planning` measures them, and `model` is the plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.lazy import lazy_exports

if TYPE_CHECKING:
    from helpers.review.plan.gains import ChangeGain, QuotaUse
    from helpers.review.plan.model import Change, Plan
    from helpers.review.plan.observed import read_usage
    from helpers.review.plan.planning import make_plan
    from helpers.review.plan.replay.comparing import Scale
    from helpers.review.plan.replay.lab import replay_lab
    from helpers.review.plan.usage import ScreenUsage, TableUsage, Usage
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "gains": ("ChangeGain", "QuotaUse"),
            "model": ("Change", "Plan"),
            "observed": ("read_usage",),
            "planning": ("make_plan",),
            "replay.comparing": ("Scale",),
            "replay.lab": ("replay_lab",),
            "usage": ("ScreenUsage", "TableUsage", "Usage"),
        },
    )

__all__ = [
    "Change",
    "ChangeGain",
    "Plan",
    "QuotaUse",
    "Scale",
    "ScreenUsage",
    "TableUsage",
    "Usage",
    "make_plan",
    "read_usage",
    "replay_lab",
]
