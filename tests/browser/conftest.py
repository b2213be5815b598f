"""A real browser, as a reader has one: Debian's Chromium, without a window."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from helpers.places import repository_root
from tests.browser.jupyter import LIMIT_MS, Jupyter, jupyter_server

#: Chromium refuses to run as root with its sandbox; the other options keep it from looking up its maker's hosts.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# Readiness is waited for, however long a busy machine takes; a quiet one needs a tenth.
expect.set_options(timeout=LIMIT_MS)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests of a worker."""
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if executable is None:
        pytest.skip("chromium (Debian's package of that name) is not here")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def jupyter(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Jupyter]:
    """JupyterLab with copies of the notebooks, one for all tests of a worker."""
    root = tmp_path_factory.mktemp("notebooks")
    shutil.copytree(repository_root() / "notebooks", root, dirs_exist_ok=True)
    async with jupyter_server(root, tmp_path_factory.mktemp("jupyter")) as server:
        yield server
