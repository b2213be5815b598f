"""Defects of client libraries that bear on Realtime: which versions have them, and which do not any more.

Each version is the one that the changelog of the package or the thread names. `realtime-js` has had the version of
`supabase-js` since 2.74; what is older is older than every version named here, in both countings.
"""

from __future__ import annotations

from dataclasses import dataclass

from helpers.diagnosis.evidence.packages import version_key

__all__ = ["DEFECTS", "Defect"]

SUPABASE_JS = "https://github.com/supabase/supabase-js"
SUPABASE_PY = "https://github.com/supabase/supabase-py"


@dataclass(frozen=True, slots=True)
class Defect:
    """One defect.

    Attributes:
        registry: ``npm`` or ``pypi``.
        package: the library that has it.
        fixed: the first version without it; empty while there is none.
        harm: what goes wrong, as a clause.
        source: changelog entry or thread.
        since: the first version with it; empty when it was always there, or nobody has said since when.
        note: number of the known problem.
    """

    registry: str
    package: str
    fixed: str
    harm: str
    source: str
    since: str = ""
    note: int = 0

    def affects(self, version: str) -> bool:
        key = version_key(version)
        return (not self.since or key >= version_key(self.since)) and (not self.fixed or key < version_key(self.fixed))


DEFECTS = (
    Defect(
        "npm",
        "@supabase/realtime-js",
        "2.87.1",
        "a subscription without a filter ends with “mismatch between server and client bindings”",
        f"{SUPABASE_JS}/pull/1918",
        note=13,
    ),
    Defect(
        "npm",
        "@supabase/realtime-js",
        "2.87.1",
        "a token of one's own is lost when a channel is subscribed again",
        f"{SUPABASE_JS}/pull/1908",
        note=6,
    ),
    Defect(
        "npm",
        "@supabase/realtime-js",
        "2.98.0",
        "a join before the token is there goes out without it (React Native), and policies hide every row",
        f"{SUPABASE_JS}/pull/2136",
        note=7,
    ),
    Defect(
        "npm",
        "@supabase/realtime-js",
        "2.112.1",
        "setAuth() ends the refreshing of the token, so that channels close when it expires",
        f"{SUPABASE_JS}/pull/2592",
        note=7,
    ),
    Defect(
        "npm",
        "@supabase/realtime-js",
        "2.112.2",
        "after sign-out a channel rejoins with the old token, and fails again and again once it has expired",
        f"{SUPABASE_JS}/issues/2596",
        note=7,
    ),
    Defect(
        "npm",
        "@supabase/realtime-js",
        "",
        "a tab that was hidden reconnects before its token is refreshed, and rejoins with the old one",
        f"{SUPABASE_JS}/issues/2613",
        note=4,
    ),
    Defect(
        "pypi",
        "realtime",
        "2.23.3",
        "a subscription is reported as timed out ten seconds after it has succeeded",
        f"{SUPABASE_PY}/issues/1297",
        note=47,
    ),
    Defect(
        "pypi",
        "realtime",
        "2.27.1",
        "the event of a postgres_changes binding is sent under a wrong name",
        f"{SUPABASE_PY}/pull/1339",
        note=47,
    ),
    Defect(
        "pypi",
        "realtime",
        "2.27.2",
        "a reconnect unsubscribes the channels that it should rejoin",
        f"{SUPABASE_PY}/pull/1346",
        note=47,
    ),
    Defect(
        "pypi",
        "realtime",
        "2.28.0",
        "remove_channel() keeps the channel, which is joined again with every reconnect",
        f"{SUPABASE_PY}/issues/1371",
        note=47,
    ),
    Defect(
        "pypi",
        "realtime",
        "2.34.1",
        "a server that closes the connection in order (1001) is not noticed, changes with an error are dropped, and a "
        "rejoin sends the old token",
        f"{SUPABASE_PY}/issues/1655",
        note=47,
    ),
    Defect(
        "pypi",
        "realtime",
        "",
        "a change that the server withholds (“Error 401”, without a timestamp) is dropped in silence, seen with 2.34.1",
        SUPABASE_PY,
        note=47,
    ),
)
