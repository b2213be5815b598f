"""How a diagnosis shows itself, and that it can be saved and read again."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from helpers.diagnosis import Check, Diagnosis, Layer, Status
from helpers.results import load_result, save_result

HOSTILE = "<script>alert('x')</script> & \"quotes\""
DIAGNOSIS = Diagnosis(
    "lab at http://127.0.0.1:1",
    "2026-11-22T10:00:00+00:00",
    (
        Layer("DNS", 0.0, 1.5, Status.OK, "127.0.0.1", (1.5, 0.5, 1.0)),
        Layer("TCP", 1.6, 2.5, Status.FAILURE, HOSTILE),
        Layer("TLS", 0.0, 0.0, Status.SKIPPED),
    ),
    (
        Check("a", "A is fine", Status.OK, "seen"),
        Check("b", "B is fine", Status.SKIPPED, "not checked, because of A"),
        Check("c", "C is fine", Status.WARNING, HOSTILE, "it hurts", "select 1 < 2;"),
        Check("d", "D is fine", Status.FAILURE, "seen", "D is broken", "mend(D)"),
    ),
    repeats=3,
    seconds=1.25,
)


def test_the_first_line_is_the_first_failure() -> None:
    """Whoever reads one line reads the cause."""
    assert str(DIAGNOSIS).splitlines()[0] == "D is broken"


def test_without_a_failure_the_first_line_names_the_first_warning() -> None:
    """What works and will hurt is told before what is fine, and how much more there is."""
    works = Diagnosis("t", "now", (), DIAGNOSIS.checks[:3])
    assert str(works).splitlines()[0] == "Nothing fails, but: it hurts"
    assert Diagnosis("t", "now", (), DIAGNOSIS.checks[1:3] * 2).headline == "Nothing fails, but: it hurts (1 more)"


def test_of_a_healthy_target_the_first_line_counts() -> None:
    """How much was looked at, and how much could not be; a note is not a finding."""
    noted = replace(DIAGNOSIS.checks[2], status=Status.NOTE)
    healthy = Diagnosis("t", "now", (), (*DIAGNOSIS.checks[:2], noted))
    assert healthy.headline == "Healthy: 2 checks, nothing found; 1 not made"


def test_the_most_urgent_comes_first() -> None:
    """Failures, warnings, what was not checked, what is fine."""
    assert list(DIAGNOSIS.to_frame()["id"]) == ["d", "c", "b", "a"]
    assert list(DIAGNOSIS.to_frame().columns)[:3] == ["status", "id", "title"]


def test_layers_as_a_frame_carry_median_and_count() -> None:
    """One row for each layer, with the median over its runs and their number."""
    frame = DIAGNOSIS.layers_frame()
    assert list(frame["layer"]) == ["DNS", "TCP", "TLS"]
    assert (frame["median_ms"][0], frame["n"][0]) == (1.0, 3)
    assert frame["took_ms"].isna().tolist() == [False, False, True]


class Tags(HTMLParser):
    """Collects which tags a page opens and closes."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.closed: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.opened.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.closed.append(tag)


def test_the_page_is_two_plain_tables_and_escaped() -> None:
    """No script, no style sheet, no widget; what servers say is shown as text; every tag is closed."""
    page = Tags()
    page.feed(DIAGNOSIS._repr_html_())
    allowed = {"p", "strong", "br", "table", "thead", "tbody", "tr", "th", "td", "pre"}
    assert set(page.opened) <= allowed
    assert page.opened.count("table") == 2
    assert sorted(tag for tag in page.opened if tag != "br") == sorted(page.closed)


def test_a_diagnosis_is_saved_and_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read from disk equals what was measured."""
    monkeypatch.setenv("WORKBOOK_RESULTS_DIR", str(tmp_path))
    save_result("diagnosis", DIAGNOSIS)
    assert load_result("diagnosis", Diagnosis) == DIAGNOSIS


def test_an_unknown_check_is_a_key_error() -> None:
    """A check is asked for by its name."""
    with pytest.raises(KeyError):
        DIAGNOSIS.check("nosuch")
