"""Whatever a file holds, reading it ends, and says where it is broken."""

from __future__ import annotations

import pytest

from helpers.review.code.chained.reading import read
from tests.review.chained.test_dart import SCREEN
from tests.review.chained.test_mobile import KOTLIN, SWIFT
from tests.review.chained.test_python import WORKER

FILES = {"a.py": WORKER, "a.dart": SCREEN, "a.swift": SWIFT, "a.kt": KOTLIN}


@pytest.mark.parametrize("path", FILES)
def test_files_that_are_cut_off_are_read(path: str) -> None:
    """At every twentieth character, and with a piece missing in the middle."""
    whole = FILES[path]
    for at in range(0, len(whole), 20):
        for text in (whole[:at], whole[at:], whole[: at // 2] + whole[at:]):
            found = read(path, text).facts
            assert all(channel.created.line >= 1 for channel in found.channels)


@pytest.mark.parametrize("path", FILES)
def test_letters_of_all_alphabets_keep_their_places(path: str) -> None:
    """Columns count characters, not bytes."""
    whole = FILES[path].replace("supabase.channel", "/*äöü😀*/ supabase.channel") if path != "a.py" else FILES[path]
    for channel in read(path, whole).facts.channels:
        line = whole.split("\n")[channel.created.line - 1]
        assert line[channel.created.column - 1 :].startswith(("channel(", "stream("))
