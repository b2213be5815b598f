"""The pictures of the main screens that the README shows."""

from __future__ import annotations

import re

import pytest

from helpers.places import repository_root
from tests.browser.screens import MOST_BYTES, SOURCES, outdated, picture


def test_they_are_of_this_version() -> None:
    """Each was taken since what shapes it last changed."""
    assert outdated() == [], "renew them with: uv run python -m tests.browser.screenshots"


@pytest.mark.parametrize("name", SOURCES)
def test_the_readme_shows_it(name: str) -> None:
    """With a text for those who cannot see it, and small enough to load at once."""
    text = (repository_root() / "README.md").read_text()
    assert re.search(rf"!\[[^\]]{{40,}}\]\(data/pictures/screens/{name}\.png\)", text)
    assert picture(name).stat().st_size < MOST_BYTES
