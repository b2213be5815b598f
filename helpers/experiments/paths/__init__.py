"""Five ways for a new row to reach an application: postgres_changes, broadcast from the database, broadcast by a client
or by HTTP, polling, and LISTEN/NOTIFY.

`catalog` names the paths, and what each promises; a `stage` is what one needs in the database; `readers` are its
subscribers; `delivery` is one run; `compare` runs all side by side, `limits` steps each up to where it breaks,
`decision` says who holds a target, `promises` tries what is promised.

Sources of the promises: supabase.com/docs/guides/realtime (postgres-changes, broadcast, limits, authorization), read in
November 2026; PostgreSQL 18, NOTIFY (payload below 8,000 bytes; a queue of 8 GB for all; delivered at commit).
"""

from __future__ import annotations

from helpers.experiments.paths.compare import compare_paths
from helpers.experiments.paths.decision import PathLimit, PathLimits, Verdict
from helpers.experiments.paths.limits import find_path_limits
from helpers.experiments.paths.promises import Promises, try_promises

__all__ = ["PathLimit", "PathLimits", "Promises", "Verdict", "compare_paths", "find_path_limits", "try_promises"]
