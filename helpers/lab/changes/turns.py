"""Long work in short turns."""

from __future__ import annotations

import asyncio

__all__ = ["breathe"]

_YIELD_AFTER = 200  # changes or receivers in one go


async def breathe(number: int) -> None:
    """Give other tasks of the event loop their turn now and then; `number` counts what is worked through."""
    if number % _YIELD_AFTER == _YIELD_AFTER - 1:
        await asyncio.sleep(0)
