"""A small client that uses Realtime as an application does, for days, and exports what it sees.

`paths` are the ways of its messages, `link` keeps its socket and channels up, `teller` turns each way's ledger into
metrics, `resources` looks at what it takes, and `canary` holds them together.
"""

from __future__ import annotations

from helpers.monitoring.canary.canary import Canary, Moment, watching
from helpers.monitoring.canary.link import Reason
from helpers.monitoring.canary.settings import CanarySettings

__all__ = ["Canary", "CanarySettings", "Moment", "Reason", "watching"]
