"""A browser, where there is one."""

from __future__ import annotations

import pytest

from helpers.experiments.browser.chromium import BrowserMissing, find_chromium


@pytest.fixture(scope="session")
def chromium() -> None:
    """Skips what needs a browser on a machine without one."""
    try:
        find_chromium()
    except BrowserMissing as missing:
        pytest.skip(f"{missing.happened}: chromium is Debian's package")
