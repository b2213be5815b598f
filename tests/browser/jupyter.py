"""A JupyterLab of one's own: a real server in a process, with folders that go with it, and its page in a browser."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Locator, Page, Route, expect

from helpers.lab.children import die_with_parent

__all__ = ["LIMIT_MS", "Jupyter", "NotebookPage", "jupyter_server"]

#: Milliseconds and seconds; for a machine that has much else to do. A quiet one needs a tenth.
LIMIT_MS, START_S, END_S = 120_000, 120.0, 20.0

_OUTSIDE = re.compile(r"https?://(?!127\.0\.0\.1[:/])")

#: What would ask the world outside, or change a file by itself.
QUIET_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "docmanager-extension/plugin": {"autosave": False},
    "extensionmanager-extension/plugin": {"enabled": False},
}


@dataclass(frozen=True, slots=True)
class Jupyter:
    """A server that answers.

    Attributes:
        address: with a port that it found free.
    """

    address: str
    token: str

    async def open(self, browser: Browser, notebook: str, *, height: int = 900) -> NotebookPage:
        """The page of a notebook in a window of its own, when its kernel can be asked.

        Each window has a workspace of its own, so that none shows what another has open.
        """
        context = await browser.new_context(viewport={"width": 1280, "height": height})
        context.set_default_timeout(LIMIT_MS)
        outside: list[str] = []
        await context.route(_OUTSIDE, lambda route: _refuse(route, outside))
        page = await context.new_page()
        workspace = f"w{secrets.token_hex(4)}"
        await page.goto(f"{self.address}lab/workspaces/{workspace}/tree/{notebook}?token={self.token}&reset")
        opened = NotebookPage(page, page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)"), outside)
        await opened.wait_idle()
        return opened


@dataclass(frozen=True, slots=True)
class NotebookPage:
    """A notebook in JupyterLab, moved as a person moves it.

    Attributes:
        panel: the notebook in it, without JupyterLab's other parts.
        outside: addresses beyond this machine that the page has asked for. It did not get them.
    """

    page: Page
    panel: Locator
    outside: Sequence[str]

    async def close(self) -> None:
        """Close the window. The kernel stays until the server ends."""
        await self.page.context.close()

    async def wait_idle(self) -> None:
        """Wait until the kernel has started, and does nothing."""
        await expect(self.page.locator(".jp-StatusBar-Widget")).to_contain_text("| Idle")

    async def choose(self, *path: str) -> None:
        """Click through a menu; entries that open another have no role by which they could be found."""
        for name in path:
            whole = re.compile(f"^{re.escape(name)}$")
            await self.page.locator(".lm-MenuBar-itemLabel, .lm-Menu-itemLabel", has_text=whole).click()

    async def run_all(self) -> None:
        """*Run All Cells* of the menu, and wait until none waits any more."""
        await self.choose("Run", "Run All Cells")
        await self.wait_ran()

    async def wait_ran(self) -> None:
        """Wait until each code cell has a number, which a cell gets when it has run.

        Raises:
            AssertionError: a cell failed, after which the others do not run.
        """
        waiting = self.panel.locator(".jp-CodeCell .jp-InputPrompt", has_text=re.compile(r"\[[ *]\]"))
        async with asyncio.timeout(LIMIT_MS / 1e3):
            while await waiting.count():
                assert await self.failures() == []
                await asyncio.sleep(0.05)

    async def run_cell(self, number: int, code: str | None = None) -> None:
        """Put the cursor into a code cell (counted from 0), press Control and Enter, and wait until it ran.

        Args:
            code: is written into the cell first, in place of what stands there.
        """
        cell = self.cell(number)
        before = await cell.locator(".jp-InputPrompt").text_content() or ""
        await cell.locator(".cm-content").click()
        if code is not None:
            await self.page.keyboard.press("ControlOrMeta+A")
            await self.page.keyboard.insert_text(code)
        await self.page.keyboard.press("Control+Enter")
        await expect(cell.locator(".jp-InputPrompt")).not_to_have_text(before)
        await self.wait_ran()

    def cell(self, number: int) -> Locator:
        """A code cell, counted from 0."""
        return self.panel.locator(".jp-CodeCell").nth(number)

    def output(self, number: int) -> Locator:
        """What a code cell (counted from 0) has shown."""
        return self.cell(number).locator(".jp-OutputArea-output")

    async def failures(self) -> list[str]:
        """The tracebacks and words on stderr that are to be seen."""
        kinds = ("application/vnd.jupyter.error", "application/vnd.jupyter.stderr")
        return await self.panel.locator(",".join(f'[data-mime-type="{kind}"]' for kind in kinds)).all_text_contents()


async def _refuse(route: Route, outside: list[str]) -> None:
    outside.append(route.request.url)
    await route.abort()


@contextlib.asynccontextmanager
async def jupyter_server(root: Path, home: Path) -> AsyncIterator[Jupyter]:
    """A server on a port of its own that ends, with its kernels, here or when this process does.

    Args:
        root: the notebooks. home: an empty folder for what Jupyter writes.
    """
    token = secrets.token_hex(16)
    _write_configuration(home, root, token)
    with (home / "jupyter.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "jupyterlab", env=_environment(home),
            stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, preexec_fn=die_with_parent(signal.SIGTERM),
        )  # fmt: skip
    try:
        yield Jupyter(await _address(home, process), token)
    finally:
        await _end(process)


def _write_configuration(home: Path, root: Path, token: str) -> None:
    server = {"ip": "127.0.0.1", "port": 0, "root_dir": str(root), "allow_root": True, "open_browser": False}
    _write(home / "config" / "jupyter_server_config.json", {"ServerApp": server, "IdentityProvider": {"token": token}})
    laboratory = {"news_url": None, "extension_manager": "readonly"}
    _write(home / "config" / "jupyter_lab_config.json", {"LabApp": laboratory})
    for name, values in QUIET_SETTINGS.items():
        _write(home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings", values)


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def _environment(home: Path) -> dict[str, str]:
    """Everything that Jupyter writes goes into `home`, and notebooks meet the lab, not a project of this account."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "DATABASE_URL"))}
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    return {**ours, **{name: str(home / folder) for name, folder in folders.items()}, "WORKBOOK_TARGET": "lab"}


async def _address(home: Path, process: asyncio.subprocess.Process) -> str:
    """Where the server listens: it writes that into a file when it does."""
    file = home / "runtime" / f"jpserver-{process.pid}.json"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(START_S):
            while process.returncode is None:
                with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
                    return str(json.loads(file.read_text())["url"])
                await asyncio.sleep(0.02)
    raise RuntimeError(f"JupyterLab did not start:\n{(home / 'jupyter.log').read_text()[-4_000:]}")


async def _end(process: asyncio.subprocess.Process) -> None:
    """In order, so that the kernels end with it; by force if it takes too long."""
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
