"""Code frames."""

from __future__ import annotations

from helpers.review.source import Place, code_frame

CODE = "const a = 1\nconst channel = supabase.channel('room')\nchannel.subscribe()\n"


def test_a_frame_marks_the_place() -> None:
    """The line has a pointer, and the stretch is underlined."""
    assert code_frame(CODE, Place("a.ts", 2, 17, 2, 41), around=1).splitlines() == [
        "  1 | const a = 1",
        "> 2 | const channel = supabase.channel('room')",
        "    |                 ^^^^^^^^^^^^^^^^^^^^^^^^",
        "  3 | channel.subscribe()",
    ]


def test_a_frame_at_the_edge_of_a_file_is_shorter() -> None:
    """Nothing is shown before the first line or after the last."""
    assert code_frame("x\n", Place("a.ts", 1, 1, 1, 2)) == "> 1 | x\n    | ^"


def test_a_frame_shows_no_secret() -> None:
    """Tokens and secret keys are cut short."""
    frame = code_frame("k = 'eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2ln'; s = 'sb_secret_abcdefgh'", Place("a", 1))
    assert "yJyb2xl" not in frame
    assert "defgh" not in frame
    assert "eyJhbGciO…" in frame


def test_a_frame_of_minified_code_is_cut() -> None:
    """A line of a bundle does not fill the screen."""
    assert len(code_frame("x" * 100_000, Place("a.js", 1, 5))) < 200
