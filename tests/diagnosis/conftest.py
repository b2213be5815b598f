"""A lab of its own for the patient, because the other tests' tables are not all healthy."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest_asyncio

from helpers import workspace
from helpers.lab import Lab, LabSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings
from helpers.target import Target


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def clinic() -> AsyncIterator[Lab]:
    """A running lab with the workbook's tables in it; it refuses sooner, and counts rates over less, than others."""
    realtime = RealtimeSettings(
        handshake_error_delay_s=0.05,
        join_error_delay_s=0.05,
        rate_tick_s=0.1,
        rate_ticks=2,
        limits=Limits(presence_events_per_s=50),
    )
    async with Lab(LabSettings(realtime=realtime)) as lab:
        await workspace.fill(lab.target)
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def patient(clinic: Lab) -> Target:
    """The lab as a target: healthy, with the workbook's tables."""
    return clinic.target


@pytest_asyncio.fixture(loop_scope="session")
async def surgeon(clinic: Lab) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection of the tables' owner, and a schema `clinic` that is gone afterwards with all that is in it."""
    async with await psycopg.AsyncConnection.connect(clinic.info["database_url"], autocommit=True) as connection:
        await connection.execute("create schema clinic")
        try:
            yield connection
        finally:
            await connection.execute("drop schema clinic cascade")
