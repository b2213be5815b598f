"""What the sample application's screens show after a script of changes, with its own clients against a lab."""

from __future__ import annotations

import json
from pathlib import Path

from tests.review.behaviour.screens import RECORDED, play


async def test_screens(sample_app: Path) -> None:
    """Every tab ends up showing what was recorded: messages, members, who is there, who types, cursors, notices."""
    assert await play(sample_app) == json.loads(RECORDED.read_text())
