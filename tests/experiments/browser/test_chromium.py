"""The browser: driven through its pipes, gone when it should be, and told to be missing where it is."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

import psutil
import pytest

from helpers.errors import FailureError
from helpers.experiments.browser.chromium import CHROMIUM_VARIABLE, BrowserMissing, find_chromium, start_chromium
from helpers.experiments.browser.site import serve_page
from helpers.experiments.browser.tab import open_tab

PROFILE = "--user-data-dir="
ORPHAN = """
import asyncio
from helpers.experiments.browser.chromium import start_chromium

async def main():
    async with start_chromium():
        print("started", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def command(process: psutil.Process) -> list[str]:
    """Empty of one that has ended meanwhile."""
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline()).split()
    return []


def descendants(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children(recursive=True) if any(PROFILE in part for part in command(child))]


def profiles(browser: list[psutil.Process]) -> set[Path]:
    parts = (part for process in browser for part in command(process))
    return {Path(part.removeprefix(PROFILE)) for part in parts if part.startswith(PROFILE)}


@pytest.mark.usefixtures("chromium")
async def test_a_tab_does_what_it_is_told_and_leaves_nothing() -> None:
    """A page is loaded and called, its errors are ours, and with the block process and profile are gone."""
    async with serve_page() as site, start_chromium() as browser, open_tab(browser, site.url) as tab:
        assert browser.version.partition("/")[0].removeprefix("Headless") == "Chrome"
        assert set(site.versions) == {"supabase-js", "React"}
        assert await tab.call("require('react').version.concat", "!") == site.versions["React"] + "!"
        with pytest.raises(FailureError, match="nowhere is not defined"):
            await tab.call("nowhere")
        with pytest.raises(FailureError, match=r"no answer within 0\.2 s"):
            await tab.call("new Promise(() => {}).then", limit_s=0.2)
        await tab.call("globalThis.kept = []; (count => { kept.push(new Array(count).fill(1.5)) })", 0)
        small = await tab.heap()
        await tab.call("(count => { kept.push(new Array(count).fill(1.5)) })", 100_000)
        assert 800_000 <= (await tab.heap()).alive - small.alive < 900_000  # so many numbers of 8 bytes
        # A process may be seen while it writes its title anew, cut off in the middle of a name.
        (profile,) = (path for path in profiles(descendants(psutil.Process())) if path.is_dir())
    assert descendants(psutil.Process()) == [] and not profile.exists()


@pytest.mark.usefixtures("chromium")
async def test_a_tab_can_be_hidden_and_frozen() -> None:
    """Another tab in front hides it for real; a frozen page's timers stand still until it is thawed."""
    async with serve_page() as site, start_chromium() as browser, open_tab(browser, site.url) as tab:
        assert await tab.call("(() => document.visibilityState)") == "visible"
        await tab.hide()  # which waits until the page has noticed
        await tab.freeze(True)
        await tab.call("(() => { globalThis.ran = false; setTimeout(() => (ran = true)); })")
        await asyncio.sleep(0.3)
        assert await tab.call("(() => ran)") is False
        await tab.freeze(False)
        assert await tab.call("(() => new Promise((done) => setTimeout(() => done(ran), 50)))") is True
        await tab.show()
        assert await tab.call("(() => document.visibilityState)") == "visible"


@pytest.mark.usefixtures("chromium")
async def test_a_browser_does_not_outlive_a_killed_parent() -> None:
    """Its pipe closes, and it ends by itself; its profile is removed."""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", ORPHAN, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None and await parent.stdout.readline() == b"started\n"
    browser = descendants(psutil.Process(parent.pid))
    (profile,) = profiles(browser)
    parent.send_signal(signal.SIGKILL)
    await parent.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, browser, 10)
    assert browser and alive == []
    async with asyncio.timeout(10):
        while profile.exists():  # noqa: ASYNC110 - no event tells of a folder that goes
            await asyncio.sleep(0.05)


async def test_a_missing_browser_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None on the PATH, one that cannot be run, and one that is something else."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(CHROMIUM_VARIABLE, raising=False)
    monkeypatch.setattr("helpers.experiments.browser.chromium._ON_A_MAC", ())
    with pytest.raises(BrowserMissing, match="apt-get install chromium"):
        find_chromium()
    monkeypatch.setenv(CHROMIUM_VARIABLE, str(tmp_path))
    with pytest.raises(BrowserMissing, match="cannot be run"):
        find_chromium()
    monkeypatch.setenv(CHROMIUM_VARIABLE, sys.executable)
    with pytest.raises(BrowserMissing, match="the browser ended with"):
        async with start_chromium():
            pass
