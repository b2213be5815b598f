"""How scenarios break a project: by statements, of the tables' owner or of a superuser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from helpers.diagnosis.results import Check
from tests.diagnosis.scenarios.ward import Ward

__all__ = ["as_superuser", "mended_by_superuser", "nothing", "sql"]

Breaks = Callable[[Ward], Awaitable[None]]


def sql(statements: str, restore: str = "") -> Breaks:
    """Break by these statements; what they leave outside the ward's schema `restore` takes back."""

    async def breaks(ward: Ward) -> None:
        if restore:
            ward.cleanup.push_async_callback(ward.superuser, restore)
        await ward.sql(statements)

    return breaks


def as_superuser(statements: str, restore: str) -> Breaks:
    """Break what belongs to the server; `restore` takes it back."""

    async def breaks(ward: Ward) -> None:
        ward.cleanup.push_async_callback(ward.superuser, restore)
        await ward.superuser(statements)

    return breaks


async def nothing(ward: Ward) -> None:
    """The healthy project already shows it."""


async def mended_by_superuser(ward: Ward, check: Check) -> None:
    """The fix as it is printed, by whom it says that may."""
    await ward.superuser(check.fix)
