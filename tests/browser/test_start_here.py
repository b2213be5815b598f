"""The first notebook as a newcomer meets it: opened in JupyterLab, run, and read."""

from __future__ import annotations

import re

from playwright.async_api import Browser, expect

from tests.browser.jupyter import Jupyter


async def test_run_all_shows_what_the_prose_promises(browser: Browser, jupyter: Jupyter) -> None:
    """Everything is ready, the lab is named, a change arrived, the check is passed, and nothing failed.

    Nobody outside of this machine is asked for anything.
    """
    notebook = await jupyter.open(browser, "00_start_here.ipynb")
    await notebook.run_all()
    assert await notebook.failures() == []
    machine, target, change, check, gap = (notebook.output(number) for number in range(5))
    ready = await machine.locator("tbody tr td:nth-child(4)").all_text_contents()
    assert len(ready) > 10
    assert set(ready) == {"True"}
    await expect(target).to_have_text(re.compile(r"lab at http://127\.0\.0\.1:\d+"))
    await expect(change).to_contain_text(re.compile(r"the change arrived [\d.]+ ms after its INSERT was sent"))
    await expect(change.locator("tr", has_text="body")).to_contain_text("hello")
    await expect(check).to_have_text(re.compile("✓ changes are delivered"))
    await expect(gap).to_have_text(re.compile(r"\d+(\.\d+)?"))
    assert notebook.outside == []
    await notebook.close()


async def test_its_links_open_the_other_notebooks(browser: Browser, jupyter: Jupyter) -> None:
    """A click on a notebook of the table opens it beside the first."""
    notebook = await jupyter.open(browser, "00_start_here.ipynb")
    await notebook.panel.get_by_role("link", name="10 Monitoring").click()
    await expect(notebook.page.get_by_role("heading", name="10 Monitoring, alerts")).to_be_visible()
    await notebook.close()
