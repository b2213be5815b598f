"""The site is made with pip's packages alone, and without a single warning."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Links(HTMLParser):
    """Gathers what a page asks for from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        name = {"script": "src", "link": "href", "img": "src"}.get(tag)
        self.asked += [value for key, value in attrs if key == name and value]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "helpers", "site", "--out", str(out), "--executed", str(out / "none")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-2_000:]
    return out


def test_every_notebook_has_a_page(site: Path) -> None:
    """And so have the paths, the glossary and the instructors' notes."""
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        if ".ipynb_checkpoints" not in path.parts:
            assert (site / path.relative_to(ROOT / "notebooks").with_suffix(".html")).is_file(), path
    assert all((site / "guide" / f"{name}.html").is_file() for name in ("index", "paths", "glossary", "instructors"))


def test_no_page_needs_the_internet(site: Path) -> None:
    """Styles and scripts lie beside the pages."""
    for page in ("guide/index.html", "10_monitoring.html"):
        links = Links()
        links.feed((site / page).read_text())
        assert [url for url in links.asked if url.startswith(("http:", "https:", "//"))] == []
