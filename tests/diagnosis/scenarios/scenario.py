"""What a scenario is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from helpers.diagnosis.evidence import Evidence
from helpers.diagnosis.results import Check, Status
from tests.diagnosis.scenarios.ward import Ward

__all__ = ["Scenario", "look_at_catalogs", "look_at_database", "run_the_printed_sql"]


async def look_at_database(ward: Ward) -> Evidence:
    """The catalogs, and what Realtime answers to a subscription to the ward's table; the rest as it was in health."""
    return await ward.look(database=True, subscriptions=True)


async def look_at_catalogs(ward: Ward) -> Evidence:
    """The catalogs alone; the rest as it was in health."""
    return await ward.look(database=True)


async def run_the_printed_sql(ward: Ward, check: Check) -> None:
    """The fix as it is printed, with nothing added."""
    await ward.sql(check.fix)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way to break a healthy project.

    Attributes:
        rule: id of the rule that must fire, and no other.
        story: what is broken, in a few words (the name of the test).
        breaks: breaks it.
        looks: gathers the evidence anew, as far as what was broken can change it.
        mends: does what the check's fix says; afterwards the rule must not fire.
        status: with which severity the rule fires; a note is not a finding, and is listed here to be seen once.
    """

    rule: str
    story: str
    breaks: Callable[[Ward], Awaitable[None]]
    looks: Callable[[Ward], Awaitable[Evidence]] = look_at_database
    mends: Callable[[Ward, Check], Awaitable[None]] = run_the_printed_sql
    status: Status = Status.FAILURE
