"""Watching Realtime for long: a canary, its metrics, the budgets made of them, alerts and a dashboard.

`metrics` declares what is exported and `service` judges by what arrives whether a channel serves, in `books` that never
grow; `canary` is the client that uses both, `exporter`, `otel` and `scrape` bring its numbers to others. `indicators`
turns objectives into shares that can be bad; `prometheus` and `grafana` write what those programs read, `files` puts it
into a folder. `snapshot` is what a canary knows now, `watched` what it has seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from helpers.lazy import lazy_exports

if TYPE_CHECKING:
    from helpers.monitoring.canary import Canary, CanarySettings, watching
    from helpers.monitoring.exporter import Exporter
    from helpers.monitoring.files import write_files
    from helpers.monitoring.watched import Watched, save_longest, seen_by
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "canary": ("Canary", "CanarySettings", "watching"),
            "exporter": ("Exporter",),
            "files": ("write_files",),
            "watched": ("Watched", "save_longest", "seen_by"),
        },
    )

__all__ = ["Canary", "CanarySettings", "Exporter", "Watched", "save_longest", "seen_by", "watching", "write_files"]
