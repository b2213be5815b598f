"""A real browser, as a reader has one: Debian's Chromium, without a window."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from playwright.async_api import Browser, async_playwright

from helpers.experiments.browser.chromium import find_chromium

__all__ = ["chromium"]

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


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser that ends here, driven as a person drives it.

    Raises:
        BrowserMissing: none is on this machine.
    """
    executable = find_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield browser
        await browser.close()
