"""What the sample application's screens show after a script of changes, with its own clients against a lab."""

from __future__ import annotations

import json
from pathlib import Path

from tests.review.application import SAMPLE_APP, prepare
from tests.review.behaviour.screens import RECORDED, play


async def test_screens(tmp_path: Path) -> None:
    """Every tab ends up showing what was recorded: messages, members, who is there, who types, cursors, notices."""
    screens = await play(prepare(SAMPLE_APP, tmp_path / "application"))
    assert screens == json.loads(RECORDED.read_text())
