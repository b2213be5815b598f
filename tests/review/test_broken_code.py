"""Code that is being written: pieces missing, quotes open, braces alone."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from helpers.review.code.scripts.reading import read

CORPUS = Path(__file__).parent / "corpus" / "seen"
ENDINGS = {".ts", ".tsx", ".js", ".jsx", ".vue", ".svelte"}
#: What a cut leaves behind.
SCRAPS = ("", "{", "}", "(", ")", "`", "${", "=>", "'", "/*", "<", "\x00", "é")
ROUNDS = 3


def scripts() -> list[Path]:
    return sorted(path for path in CORPUS.rglob("*") if path.suffix in ENDINGS)


def cut(text: str, chance: random.Random) -> str:
    """The text without a stretch, something else in its place."""
    start = chance.randrange(len(text) + 1)
    end = min(len(text), start + chance.choice((1, 5, 20, 200, len(text))))
    return text[:start] + chance.choice(SCRAPS) + text[end:]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_no_cut_stops_the_reader(seed: int) -> None:
    """However a file is cut, there is a draft of it."""
    chance = random.Random(seed)
    for path in scripts():
        name = path.relative_to(CORPUS).as_posix()
        assert read(name, cut(path.read_text(), chance)).facts.path == name


def test_a_file_that_begins_broken() -> None:
    """A tree whose root is an error has facts all the same."""
    draft = read("a.ts", "}} <<<<<<< ours\nconst c = supabase.channel('room')\n")
    assert draft.facts.errors
