"""The lab: an embedded Supabase in processes of its own.

async with Lab() as lab:
    client = supabase.create_client(lab.target.api_url, lab.target.publishable_key)
"""

from __future__ import annotations

from helpers.lab.lab import Lab
from helpers.lab.settings import LabSettings

__all__ = ["Lab", "LabSettings"]
