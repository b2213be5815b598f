"""A browser, and JupyterLab in it, for all tests of a worker."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from helpers.experiments.browser.chromium import BrowserMissing, find_chromium
from helpers.places import repository_root
from tests.browser.chromium import chromium
from tests.browser.jupyter import LIMIT_MS, Jupyter, jupyter_server
from tests.browser.stage import write_stage

# Readiness is waited for, however long a busy machine takes; a quiet one needs a tenth.
expect.set_options(timeout=LIMIT_MS)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests of a worker."""
    try:
        find_chromium()
    except BrowserMissing as missing:
        pytest.skip(f"{missing.happened}: chromium is Debian's package")
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def jupyter(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Jupyter]:
    """JupyterLab with copies of the notebooks and the stage of the panels, one for all tests of a worker."""
    root = tmp_path_factory.mktemp("notebooks")
    shutil.copytree(repository_root() / "notebooks", root, dirs_exist_ok=True)
    write_stage(root)
    async with jupyter_server(root, tmp_path_factory.mktemp("jupyter")) as server:
        yield server
