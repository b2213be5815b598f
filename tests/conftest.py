"""Fixtures that every test may use: one running lab for the whole session."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from helpers.lab import Lab, LabSettings
from helpers.target import Target
from tests.thorough import so_many


def pytest_configure(config: pytest.Config) -> None:
    """Heed SIGINT and SIGHUP, so that tests may send them: a background job, or `nohup`, makes its children deaf."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    keep_to_the_lab()
    keep_bytecode(config.rootpath / ".pytest_cache" / "bytecode")
    # How fast examples are made says something about the machine, and nothing about what is tested.
    settings.register_profile(
        "workbook", deadline=None, max_examples=so_many(50, 500), suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("workbook")
    # With xdist, files go to the workers in the order of collection, not those with the most tests first.
    config.option.loadscopereorder = False


def keep_to_the_lab() -> None:
    """A `.env` that names somebody's project is for the notebooks that they open, and not for those that are tested."""
    os.environ["WORKBOOK_TARGET"] = "lab"
    os.environ["WORKBOOK_ENV_FILE"] = os.devnull


def keep_bytecode(folder: Path) -> None:
    """Where Python may write no bytecode, let the processes that tests start write theirs into a folder of its own.

    There are hundreds, and each would compile everything that it imports: as much work as all the tests.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder)
        sys.dont_write_bytecode, sys.pycache_prefix = False, str(folder)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Spare xdist's workers the second in which a grammar is built that nobody needs: see `helpers.run.light`."""
    node.gateway.remote_exec("import sys; sys.modules['rfc3987_syntax'] = None").waitclose()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Notebooks first: each is one long test, of which none should be what all workers wait for in the end."""
    items.sort(key=lambda item: item.path.suffix != ".ipynb")


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
