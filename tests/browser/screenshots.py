"""Take the pictures of the main screens that the README shows: `python -m tests.browser.screenshots`.

Takes only those that do not show this version any more; `--all` takes all. What is seen in them was measured in the
run that took them: the report's picture needs a run of the workbook, which takes some minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.async_api import Browser, FloatRect, expect

from helpers.experiments.browser.chromium import BrowserMissing
from helpers.places import repository_root
from tests.browser.chromium import chromium
from tests.browser.jupyter import LIMIT_MS, Jupyter, NotebookPage, jupyter_server
from tests.browser.screens import MOST_BYTES, SOURCES, note, outdated, picture
from tests.browser.stage import STAGE, WRITE, Cell, write_stage


async def take(names: Sequence[str]) -> None:
    """Take the pictures of these screens."""
    expect.set_options(timeout=LIMIT_MS)
    with tempfile.TemporaryDirectory(prefix="workbook-screens-") as folder:
        async with chromium() as browser:
            if {"start_here", "panels", "live"} & set(names):
                await _in_jupyter(browser, names, Path(folder))
            if "report" in names:
                _keep("report", await report(browser, Path(folder) / "output"))


async def _in_jupyter(browser: Browser, names: Sequence[str], folder: Path) -> None:
    root, home = folder / "notebooks", folder / "jupyter"
    shutil.copytree(repository_root() / "notebooks", root)
    home.mkdir()
    async with jupyter_server(root, home) as jupyter:
        if "start_here" in names:
            _keep("start_here", await start_here(browser, jupyter))
        if {"panels", "live"} & set(names):
            write_stage(root)
            stage = await jupyter.open(browser, STAGE, height=1_400)
            await stage.run_all()
            _keep("live", await live(stage))
            _keep("panels", await panels(stage))


async def start_here(browser: Browser, jupyter: Jupyter) -> bytes:
    """JupyterLab, where the first change has arrived."""
    notebook = await jupyter.open(browser, "00_start_here.ipynb", height=860)
    await notebook.run_all()
    heading = notebook.panel.get_by_role("heading", name="One change arrives")
    await heading.evaluate("heading => heading.scrollIntoView()")
    return await notebook.page.screenshot()


async def panels(stage: NotebookPage) -> bytes:
    """The status of a subscription after a reset, and while its network is down."""
    status, board = stage.output(Cell.STATUS), stage.output(Cell.SWITCHBOARD)
    await stage.run_cell(Cell.ASK, WRITE)
    await expect(status).to_contain_text("5 by stream")
    await board.get_by_role("button", name="reset").click()
    await expect(status.locator("li", has_text="link lost")).to_have_count(1)
    await expect(status.locator("li").last).to_contain_text("→ live")
    await board.get_by_role("combobox").select_option("down")
    await expect(status.locator("span")).to_have_text("polling")
    await stage.run_cell(Cell.ASK, WRITE)
    await expect(status).to_contain_text("5 by poll")
    return await _cells(stage, Cell.STATUS, Cell.SWITCHBOARD)


async def live(stage: NotebookPage) -> bytes:
    """Load by sliders, and the canary."""
    load = stage.output(Cell.LOAD)
    await stage.run_cell(Cell.ASK, "load.rate.value = 200")
    await expect(load.locator("p")).to_contain_text("of the latest 400")
    return await _cells(stage, Cell.LOAD, Cell.WATCH)


async def report(browser: Browser, out: Path) -> bytes:
    """The top of the report of a run of the workbook."""
    environment = {**os.environ, "WORKBOOK_TARGET": "lab"}
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "helpers", "run", "--target", "lab", "--out", str(out),
        cwd=repository_root(), env=environment,
    )  # fmt: skip
    if await run.wait() != 0:
        raise SystemExit("The workbook did not run through, so that there is no report to be seen.")
    page = await browser.new_page(viewport={"width": 1_280, "height": 900})
    await page.goto((out / "report.html").as_uri())
    return await page.screenshot()


async def _cells(notebook: NotebookPage, first: int, last: int) -> bytes:
    """The part of the window from one code cell to another."""
    await notebook.cell(first).evaluate("cell => cell.scrollIntoView()")
    top, bottom = await notebook.cell(first).bounding_box(), await notebook.cell(last).bounding_box()
    assert top is not None
    assert bottom is not None
    height = bottom["y"] + bottom["height"] - top["y"]
    return await notebook.page.screenshot(clip=FloatRect(x=top["x"], y=top["y"], width=top["width"], height=height))


def _keep(name: str, png: bytes) -> None:
    """With 256 colours, which a screen does not exceed visibly, and a third of the bytes."""
    small = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    if len(small.getvalue()) >= MOST_BYTES:
        raise SystemExit(f"The picture of {name} has {len(small.getvalue()):,} bytes, more than {MOST_BYTES:,}.")
    picture(name).parent.mkdir(parents=True, exist_ok=True)
    picture(name).write_bytes(small.getvalue())
    note(name)
    print(f"{picture(name).relative_to(repository_root())}: {len(small.getvalue()):,} bytes", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots", description=__doc__)
    parser.add_argument("--all", action="store_true", help="also those that show this version")
    names = list(SOURCES) if parser.parse_args().all else outdated()
    if not names:
        print("All pictures show this version.")
        return 0
    try:
        asyncio.run(take(names))
    except BrowserMissing as missing:
        parser.error(str(missing))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
