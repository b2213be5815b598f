"""The panels as a person uses them: in JupyterLab, seen and pressed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Locator, expect

from tests.browser.jupyter import Jupyter, NotebookPage
from tests.browser.stage import ALIVE, PANELS, STAGE, WRITE, Cell


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stage(browser: Browser, jupyter: Jupyter) -> AsyncIterator[NotebookPage]:
    """All panels on one lab. Each test leaves them as it found them."""
    notebook = await jupyter.open(browser, STAGE)
    await notebook.run_all()
    assert await notebook.failures() == []
    yield notebook
    await notebook.close()


def button(panel: Locator, name: str) -> Locator:
    return panel.get_by_role("button", name=name, exact=True)


def badges(panel: Locator) -> Locator:
    """The words on a coloured ground: states."""
    return panel.locator(".widget-html-content span")


async def ask(stage: NotebookPage, code: str) -> str:
    """What the kernel prints, run as a cell of the notebook."""
    await stage.run_cell(Cell.ASK, code)
    return await stage.output(Cell.ASK).text_content() or ""


async def until_live(stage: NotebookPage) -> None:
    await expect(badges(stage.output(Cell.STATUS))).to_have_text("live")
    await expect(badges(stage.output(Cell.WATCH))).to_have_text(["live", "live"])


async def test_a_button_of_the_switchboard_breaks_the_connection(stage: NotebookPage) -> None:
    """The status panel says why it is gone and that it is live again; the switchboard counts what it took away."""
    status, board = stage.output(Cell.STATUS), stage.output(Cell.SWITCHBOARD)
    await until_live(stage)
    await button(board, "reset").click()
    await expect(status.locator("li", has_text="live → connecting (link lost")).to_have_count(1)
    await expect(status.locator("li").last).to_contain_text("→ live")
    await expect(board).to_contain_text(re.compile(r"[1-9]\d* taken away"))


async def test_a_network_of_the_menu_is_met_by_all(stage: NotebookPage) -> None:
    """Down: the subscription polls what is written, and the canary counts an outage. Up: both are live again."""
    status, board, watch = (stage.output(cell) for cell in (Cell.STATUS, Cell.SWITCHBOARD, Cell.WATCH))
    await until_live(stage)
    await board.get_by_role("combobox").select_option("down")
    await expect(badges(board)).to_have_text("down")
    await expect(badges(status)).to_have_text("polling")
    await stage.run_cell(Cell.ASK, WRITE)
    await expect(status).to_contain_text("5 by poll")
    await expect(badges(watch).first).to_have_text(re.compile(r"nothing for \d+ s"))
    await board.get_by_role("combobox").select_option("nothing in between")
    await until_live(stage)
    await expect(watch.locator("tbody tr").first.locator("td").nth(6)).to_have_text(re.compile("[1-9]"))


async def test_a_fault_ends_by_itself(stage: NotebookPage) -> None:
    """A button of the status panel changes the network for three seconds; the switchboard shows it, too."""
    status, board = stage.output(Cell.STATUS), stage.output(Cell.SWITCHBOARD)
    await until_live(stage)
    await button(status, "black hole, 3 s").click()
    await expect(badges(board)).to_have_text("black hole")
    await expect(board.get_by_role("combobox")).to_have_value("black hole")
    await expect(badges(board)).to_have_text("nothing in between")
    await expect(board.get_by_role("combobox")).to_have_value("nothing in between")
    await until_live(stage)


async def test_a_tail_shows_filters_and_holds(stage: NotebookPage) -> None:
    """Newest first, markup as text; only what holds the filter's text; nothing new while paused, all of it after."""
    tail = stage.output(Cell.TAIL)
    lines, only, pause = tail.locator("li"), tail.get_by_placeholder("text that an event holds"), button(tail, "pause")
    await expect(lines).to_have_text([re.compile("note.*<b>bold</b>"), re.compile("cart.*tea")])
    await only.press_sequentially("TEA")
    await expect(lines).to_have_text([re.compile("cart.*tea")])
    await only.clear()
    await expect(lines).to_have_count(2)
    await pause.click()
    await stage.run_cell(Cell.SEND)
    assert "4 events" in await ask(stage, "print(tail)")
    await expect(lines).to_have_count(2)
    await pause.click()
    await expect(lines).to_have_count(4)


async def test_sliders_change_the_load_while_other_cells_answer(stage: NotebookPage) -> None:
    """By keyboard to the most that there is: the count runs, the latency is drawn, and the kernel answers meanwhile."""
    load = stage.output(Cell.LOAD)
    await stage.run_cell(Cell.LOAD)
    rate = load.get_by_role("slider").first
    await rate.press("End")
    await expect(load.locator(".widget-readout").first).to_have_text("1000")
    await expect(load).to_contain_text(re.compile(r"\d,\d{3} sent"))
    await expect(load).to_contain_text(re.compile(r"p50 [\d.]+ ms, p95 [\d.]+ ms"))
    await expect(load.get_by_role("img").locator("polyline")).to_be_visible()
    assert await ask(stage, "print(6 * 7)") == "42\n"
    await expect(load).to_contain_text("running")
    await rate.press("Home")
    await expect(load.locator(".widget-readout").first).to_have_text("1")


@pytest.mark.parametrize("cell", [Cell.STATUS, Cell.LOAD], ids=lambda cell: cell.name.lower())
async def test_a_cell_that_is_run_again_has_one_panel(stage: NotebookPage, cell: Cell) -> None:
    """The panel before it is gone from the kernel with its tasks, and the new one works."""
    before = await ask(stage, ALIVE)
    await stage.run_cell(cell)
    await expect(stage.output(cell).locator(".widget-html")).to_have_count(1)
    assert await ask(stage, ALIVE) == before
    assert await stage.failures() == []


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
async def test_panels_are_legible_and_fit(stage: NotebookPage, theme: str) -> None:
    """In a narrow window nothing is wider than its cell; in both themes axe finds the contrast of all words enough."""
    await stage.choose("Settings", "Theme", theme)
    await expect(stage.page.locator("body")).to_have_attribute("data-jp-theme-name", theme)
    await stage.page.set_viewport_size({"width": 700, "height": 900})
    # JupyterLab's page has no height of its own, by which axe takes all that is in it for hidden.
    await stage.page.evaluate("document.body.style.height = '100vh'")
    for cell in PANELS:
        panel = stage.output(cell)
        await panel.scroll_into_view_if_needed()  # what is far from the window is not drawn, and so not checked
        assert await panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth"), cell
        await panel.evaluate("(panel, id) => { panel.id = id }", f"panel-{cell}")
        found = await Axe().run(stage.page, context=f"#panel-{cell}", options={"runOnly": ["color-contrast"]})
        assert found.response["passes"] != [], cell
        assert [node["html"][:200] for one in found.response["violations"] for node in one["nodes"]] == []
    await stage.page.set_viewport_size({"width": 1280, "height": 900})


async def test_a_closed_panel_takes_no_orders(stage: NotebookPage) -> None:
    """Its last picture stays, and its buttons cannot be pressed."""
    status = stage.output(Cell.STATUS)
    await stage.run_cell(Cell.ASK, "status.close()")
    await expect(button(status, "reset")).to_be_disabled()
    await expect(badges(status)).to_have_text("live")
    await stage.run_cell(Cell.STATUS)
    await expect(button(status, "reset")).to_be_enabled()
