"""The report for programs, and two of them beside each other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from helpers.cli import main
from helpers.errors import InputError
from helpers.report import Inputs, Report, build_report
from helpers.report.comparing import Verdict, compare
from helpers.report.document import as_json, read_json, schema
from helpers.report.model import Verdict as TargetVerdict
from tests.report.conftest import inputs_at

PUBLISHED = Path(__file__).resolve().parents[2] / "data" / "report.schema.json"


def test_the_document_fits_its_published_schema(inputs: Inputs) -> None:
    """The published schema is what this version makes, and the document fits it and reads back as the same report."""
    report = build_report(inputs)
    assert PUBLISHED.read_text() == schema()
    jsonschema.validate(json.loads(as_json(report)), json.loads(PUBLISHED.read_text()))
    assert read_json(as_json(report), "it") == report


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"format": "workbook-report/9"}'])
def test_what_is_no_report_is_told(content: bytes) -> None:
    """A file of another kind is named, with what was expected."""
    with pytest.raises(InputError, match="reading the report it"):
        read_json(content, "it")


def test_a_report_against_itself_shows_no_difference(inputs: Inputs) -> None:
    """Nothing changed: no figure is called better or worse, and no target moves."""
    report = build_report(inputs)
    found = compare(report, report)
    assert {change.verdict for change in found.changes} <= {Verdict.SAME, Verdict.NEVER}
    assert found.targets == found.notes == ()


def test_what_changed_beyond_noise_is_told() -> None:
    """Twice as slow is worse where the intervals lie apart; higher throughput has no interval and is not judged."""
    before, after = build_report(inputs_at(1.0)), build_report(inputs_at(2.0))
    found = {change.name: change for change in compare(before, after).changes}
    assert found["Avg connection latency"].verdict is Verdict.WORSE
    assert found["Avg connection latency"].percent == pytest.approx(100)
    assert found["Message throughput"].verdict is Verdict.UNKNOWN
    assert found["Connection stability"].verdict is Verdict.SAME
    back = {change.name: change.verdict for change in compare(after, before).changes}
    assert back["Avg connection latency"] is Verdict.BETTER


def test_a_small_change_is_noise() -> None:
    """Two percent lie within the intervals."""
    found = compare(build_report(inputs_at(1.0)), build_report(inputs_at(1.02)))
    judged = {change.verdict for change in found.changes}
    assert not judged & {Verdict.BETTER, Verdict.WORSE}


def test_an_interval_without_upper_end_overlaps_all_above_it() -> None:
    """What 20 connections cannot bound is not called worse; what they do bound is called better."""
    name = "Connecting, 95th percentile"
    fast, slow = _few(build_report(inputs_at(1.0))), _few(build_report(inputs_at(2.0)))
    assert "from" in str(fast.verdicts[0].measure)
    told = [
        next(one.verdict for one in compare(*pair).changes if one.name == name) for pair in ((fast, slow), (slow, fast))
    ]
    assert told == [Verdict.SAME, Verdict.SAME]
    bounded = replace(fast, verdicts=(_bounded(fast.verdicts[0]), *fast.verdicts[1:]))
    assert next(one.verdict for one in compare(slow, bounded).changes if one.name == name) is Verdict.BETTER


def _few(report: Report) -> Report:
    first = report.verdicts[0]
    return replace(report, verdicts=(replace(first, measure=replace(first.measure, high=None)), *report.verdicts[1:]))


def _bounded(verdict: TargetVerdict) -> TargetVerdict:
    return replace(verdict, measure=replace(verdict.measure, high=verdict.measure.value))


def test_other_versions_and_targets_are_noted(inputs: Inputs) -> None:
    """What makes two reports hard to compare is said; a target that is missed now is named."""
    before = build_report(inputs)
    after = replace(build_report(inputs_at(60.0)), target="project at x", versions={"python": "3.14"})
    found = compare(before, after)
    assert any("different kinds" in note for note in found.notes)
    assert any("python 3.11.7 → 3.14" in note for note in found.notes)
    assert "Initial connection: met → missed" in found.targets


def test_the_command_compares_two_files(inputs: Inputs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0 without anything worse, 1 with it, 2 for what is no report."""
    before, after, none = tmp_path / "before.json", tmp_path / "after.json", tmp_path / "none.json"
    before.write_bytes(as_json(build_report(inputs)))
    after.write_bytes(as_json(build_report(inputs_at(2.0))))
    assert main(["compare", str(before), str(before)]) == 0
    assert main(["compare", str(before), str(after)]) == 1
    assert "Avg connection latency: 4.07 ms → 8.14 ms (+100.0 %), worse" in capsys.readouterr().out
    assert main(["compare", str(before), str(none)]) == 2
    assert "none.json" in capsys.readouterr().err
