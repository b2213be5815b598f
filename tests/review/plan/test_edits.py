"""Diffs of edits are what `git apply` makes of them."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.review.plan.rewriting.edits import Edit, applied, collides, unified_diff

LINES = st.lists(st.text(st.sampled_from("ab é\f\u2028\t"), max_size=6), max_size=30)
ENDS = st.sampled_from(["\n", "\r\n"])


def git_apply(folder: Path, diff: str) -> None:
    """Apply a diff in a folder that is no repository."""
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"], cwd=folder, input=diff.encode(), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode() + diff


@given(
    LINES, ENDS, st.booleans(), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 5), st.text("xy\n")), max_size=5)
)
@settings(max_examples=40)
def test_a_diff_applies(lines: list[str], end: str, ends: bool, places: list[tuple[int, int, str]]) -> None:
    """Whatever a file's lines end with, and whether its last one does, git makes of the diff what the edits make."""
    before = end.join(lines) + (end if ends else "")
    edits: list[Edit] = []
    for start, length, text in places:
        start = min(start, len(before))
        edit = Edit("a b/f.ts", start, min(start + length, len(before)), text)
        if not collides(edits, [edit]):
            edits.append(edit)
    after = applied(before, edits)
    diff = unified_diff({"a b/f.ts": before}, {"a b/f.ts": after})
    assert bool(diff) == (before != after)
    if not diff:
        return
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "a b" / "f.ts"
        file.parent.mkdir()
        file.write_bytes(before.encode())
        git_apply(Path(name), diff)
        assert file.read_bytes().decode() == after


def test_a_new_file_applies(tmp_path: Path) -> None:
    """A migration that there was not is made."""
    git_apply(tmp_path, unified_diff({}, {"supabase/migrations/1_index.sql": "create index on t (c);\n"}))
    assert (tmp_path / "supabase/migrations/1_index.sql").read_text() == "create index on t (c);\n"


@pytest.mark.parametrize(
    ("one", "other", "answer"),
    [
        ((0, 3), (3, 5), False),
        ((0, 3), (2, 5), True),
        ((2, 2), (2, 2), False),
        ((0, 4), (2, 2), True),
        ((0, 4), (4, 4), False),
        ((0, 4), (0, 0), False),
    ],
)
def test_edits_collide(one: tuple[int, int], other: tuple[int, int], answer: bool) -> None:
    """Only edits that replace the same characters, or insert into what is replaced, do not compose."""
    assert collides([Edit("f", *one, "x")], [Edit("f", *other, "y")]) is answer
    assert collides([Edit("f", *one, "x")], [Edit("g", *other, "y")]) is False


def test_insertions_at_one_place_keep_their_order() -> None:
    """Two changes that add a property at the end of one object both stand in it, the first one first."""
    assert applied("{a}", [Edit("f", 2, 2, ", b"), Edit("f", 2, 2, ", c")]) == "{a, b, c}"
