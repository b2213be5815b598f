"""The lab: an embedded Supabase in processes of its own.

async with Lab() as lab:
    client = supabase.create_client(lab.target.api_url, lab.target.publishable_key)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from helpers.lab.lab import Lab
    from helpers.lab.settings import LabSettings

__all__ = ["Lab", "LabSettings"]


def __getattr__(name: str) -> Any:
    """Import on demand: the lab process itself is of this package, and starts sooner without these."""
    if name == "Lab":
        from helpers.lab.lab import Lab

        return Lab
    if name == "LabSettings":
        from helpers.lab.settings import LabSettings

        return LabSettings
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
