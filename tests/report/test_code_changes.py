"""The review of the application's code in the report: what pays and by how much, and what nobody knows."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from helpers.cli import main
from helpers.report import Inputs, as_html, as_markdown, build_report
from helpers.results import load_saved, save_result
from helpers.review.reviewed import BRIEF_KINDS, Reviewed, review_briefly
from tests.report.conftest import DIFF, reviewed, saved


def test_measured_gains_stand_in_the_plan(with_review: Inputs) -> None:
    """The change that pays, with its place, interval, sample and diff, what else it changes, and the quota."""
    text = as_markdown(build_report(with_review))
    assert "Filter notes by topic (`hooks/use-notes.ts:3:5`)" in text
    assert "Expected gain: messages **↓ 71.9 %** (95 % interval 68.9 to 74.9, n = 4 pairs of runs" in text
    assert "Also client CPU: better by 41 %" in text
    assert "But latency p50: worse by 4.9 %" in text
    assert "211 messages a second, 42.2 % of the quota → 59.3 messages a second, 11.9 % of the quota" in text
    assert all(line.strip() in text for line in DIFF.splitlines())
    assert "All that pay together: messages **↓ 73.7 %**" in text


def test_what_is_not_shown_or_not_measured_says_so(with_review: Inputs) -> None:
    """No gain is claimed where the interval holds zero, and where nothing was measured the reason stands."""
    text = as_markdown(build_report(with_review))
    idle, rest = text.index("Ask for INSERT only"), text.index("Index the policy")
    assert text.index("Measured, no gain shown") < idle < text.index("**Not measured**") < rest
    assert "no difference shown" in text[idle:rest]
    assert "Not measured: no policy ran." in text[rest:]
    assert "alter publication x add table y;" in text


def test_without_a_review_the_report_says_why(inputs: Inputs) -> None:
    """And which command makes one."""
    report = build_report(inputs)
    assert report.code.changes == ()
    assert "notebook 09_subscription_review has not been run" in report.code.summary
    assert "workbook review PATH --plan" in report.code.summary


def test_the_sample_is_not_taken_for_the_users_code(with_review: Inputs) -> None:
    """A review of the workbook's sample is told as that, and gives no example for the user."""
    sample = replace(with_review, review=saved("review", replace(reviewed(), is_sample=True)))  # type: ignore[arg-type]
    assert "the workbook's sample" in build_report(sample).code.summary
    assert "`messages`" in build_report(sample).examples[0].title
    assert "`notes`" in build_report(with_review).examples[0].title


def test_code_is_shown_and_not_obeyed(with_review: Inputs) -> None:
    """A diff with fences and markup in it stays one block of code."""
    change = replace(reviewed().plan.changes[0], diff="+```\n+# no\n+<script>alert(1)</script>\n", title="`x` <b>|</b>")
    plan = replace(reviewed().plan, changes=(change,))
    hostile = replace(with_review, review=saved("review", replace(reviewed(), plan=plan)))  # type: ignore[arg-type]
    page = as_html(build_report(hostile))
    assert "<script>" not in page
    assert "<b>" not in page
    assert re.search(r"<pre[^>]*><code[^>]*>\+```\n\+# no\n\+&lt;script", page)


def test_a_review_is_kept_as_it_was(results: Path) -> None:
    """A saved review reads back equal, with plan, gains and the model of the table."""
    save_result("review", reviewed())
    assert load_saved("review", Reviewed).result == reviewed()


@pytest.fixture
def notes_app(tmp_path: Path) -> Path:
    """An application with nothing to be said against it, and so nothing to be measured."""
    folder = tmp_path / "notes-app"
    folder.mkdir()
    (folder / "notes.py").write_text("print('no Realtime here')\n")
    return folder


def test_the_command_keeps_its_review(notes_app: Path, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`workbook review --plan` leaves a result for the report; without a plan it leaves nothing."""
    assert main(["review", str(notes_app)]) == 0
    assert not (results / "review.json").exists()
    assert main(["review", str(notes_app), "--plan"]) == 0
    kept = load_saved("review", Reviewed).result
    assert (kept.code, kept.files, kept.is_sample) == ("notes-app", 1, False)
    assert str(notes_app.parent) not in (results / "review.json").read_text()


async def test_in_brief_it_measures_one_change_of_a_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the sample one filter is measured; the others say that nobody asked."""
    monkeypatch.delenv("WORKBOOK_REVIEW_PATH", raising=False)
    monkeypatch.setenv("WORKBOOK_SIZE", "small")
    found = await review_briefly()
    assert found.is_sample
    assert found.code == "data/sample-app"
    measured = [each for each in (*found.plan.changes, *found.plan.not_gaining) if each.gain]
    assert {str(each.kind) for each in measured} == set(BRIEF_KINDS)
    assert any("Not measured: it was not asked for." in each.advice for each in found.plan.not_measured)
    assert found.followed is not None
    assert found.followed.filter
