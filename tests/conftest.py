"""Fixtures that every test may use: one running lab for the whole session."""

from __future__ import annotations

import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from helpers.lab import Lab, LabSettings
from helpers.target import Target


def pytest_configure() -> None:
    """Heed SIGINT and SIGHUP, so that tests may send them: a background job, or `nohup`, makes its children deaf."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    # How fast examples are made says something about the machine, and nothing about what is tested.
    settings.register_profile("workbook", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("workbook")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def lab() -> AsyncIterator[Lab]:
    """A running lab, shared by all tests: give what you make in it a name of its own."""
    async with Lab(LabSettings()) as lab:
        yield lab


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def target(lab: Lab) -> Target:
    """The lab as a target."""
    return lab.target


@pytest.fixture
def place() -> Iterator[Path]:
    """A new folder that PostgreSQL's account may enter: root's pytest folders are closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="kept-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder / "lab"
    shutil.rmtree(folder)
