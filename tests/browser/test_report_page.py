"""The report's page as a reader sees it: wide and narrow, light and dark, printed, and by a screen reader's rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page

from helpers.report import as_html, build_report
from helpers.report.pictures import pictures
from tests.report.conftest import inputs_at, reviewed, saved

SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole report with everything in it, the review of an application included."""
    inputs = replace(inputs_at(1.0), review=saved("review", reviewed()))  # type: ignore[arg-type]
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(as_html(build_report(inputs), pictures(inputs)))
    return path


async def open_page(browser: Browser, file: Path, width: int, scheme: str) -> Page:
    context = await browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.goto(file.as_uri())
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_it_fits_and_is_accessible(browser: Browser, page_file: Path, width: int, scheme: str) -> None:
    """Nothing is wider than the window, no request leaves the page, and axe finds nothing serious."""
    page = await open_page(browser, page_file, width, scheme)
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    found = await Axe().run(page)
    serious = [one for one in found.response["violations"] if one["impact"] in SERIOUS]
    assert [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in serious] == []
    await page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_pictures_are_of_the_pages_colours(browser: Browser, page_file: Path, scheme: str) -> None:
    """On a dark page the dark pictures are shown, on a light page and on paper the light ones."""
    page = await open_page(browser, page_file, 1280, scheme)
    shown = """() => [...document.querySelectorAll('picture')].map((picture) =>
      picture.querySelector('img').currentSrc === picture.querySelector('source').srcset)"""
    assert set(await page.evaluate(shown)) == {scheme == "dark"}
    await page.emulate_media(media="print", color_scheme=scheme)  # type: ignore[arg-type]
    await page.wait_for_function(f"!({shown})().includes(true)", timeout=5_000)
    await page.context.close()


async def test_the_verdicts_are_seen_on_a_phone(browser: Browser, page_file: Path) -> None:
    """The table of targets, down to its last column, needs no scrolling sideways."""
    page = await open_page(browser, page_file, 390, "light")
    table = page.locator(".wide", has=page.locator("th", has_text="Verdict"))
    inner, outer = await table.evaluate("found => [found.scrollWidth, found.clientWidth]")
    assert inner <= outer
    await page.context.close()


async def test_no_request_leaves_the_page(browser: Browser, page_file: Path) -> None:
    """Pictures and styles are in it."""
    context = await browser.new_context()
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(page_file.as_uri())
    await page.wait_for_load_state("networkidle")
    assert [url for url in asked if not url.startswith(("data:", page_file.as_uri()))] == []
    await context.close()


async def test_it_prints(browser: Browser, page_file: Path) -> None:
    """On paper it is black on white, whatever the reader's screen."""
    page = await open_page(browser, page_file, 1280, "dark")
    await page.emulate_media(media="print", color_scheme="dark")
    ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
    assert len(await page.pdf()) > 10_000
    await page.context.close()
