"""The package's table of features."""

from __future__ import annotations

import re
from pathlib import Path

import tests.official


def test_names_every_test() -> None:
    """The table names the tests that there are, all of them."""
    folder = Path(__file__).parent
    modules = {path for path in folder.glob("test_*.py") if path.name != Path(__file__).name}
    named = set(re.findall(r"test_\w+(?!\w|\.py)", tests.official.__doc__ or ""))
    there = {name for path in modules for name in re.findall(r"^async def (test_\w+)", path.read_text(), re.MULTILINE)}
    assert named == there
