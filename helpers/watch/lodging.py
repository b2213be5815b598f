"""Where the canary's table lives in a project: a schema of its own, as notebooks make and drop theirs beside it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from helpers.target import Target
from helpers.workspace import Workspace

__all__ = ["FORSAKEN_AFTER", "lodging"]

#: A table that no canary has written to for so long belonged to one that was killed.
FORSAKEN_AFTER = timedelta(days=1)


@asynccontextmanager
async def lodging(target: Target) -> AsyncIterator[Target]:
    """The target with the schema `<its schema>_canary`, which is made and, when the last canary leaves, dropped.

    A target that may not be written to stays as it is.

    Raises:
        TargetError: the schema is somebody else's, or the database cannot be used.
    """
    if not target.writes_allowed or not target.database_url:
        yield target
        return
    own = Workspace(target.database_url, f"{target.schema}_canary")
    await asyncio.to_thread(own.claim)
    await asyncio.to_thread(own.sweep, FORSAKEN_AFTER)
    try:
        yield replace(target, schema=own.schema)
    finally:
        await asyncio.to_thread(own.leave)
