"""The report says what was measured, all of it, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from helpers.diagnosis.results import Check, Diagnosis, Status
from helpers.errors import RunError
from helpers.experiments.experiment import Experiment
from helpers.experiments.experiment import Measure as ExperimentMeasure
from helpers.experiments.survival import BY_VERSION, LOST, NAIVE
from helpers.profiling.results import Profiling, Skipped
from helpers.report import Inputs, Measure, Report, as_html, as_markdown, build_report, read_json, write_report
from helpers.report.pictures import pictures
from helpers.results import save_result
from tests.report.conftest import TAKEN_AT, TARGET, diagnosis, inputs_at, profiling, saved, sync

SECTIONS = (
    "Current Performance Analysis",
    "Identified Issues",
    "Bottlenecks",
    "Connection Problems",
    "Optimization Plan",
    "Prisma Integration",
    "Example Optimized Code",
    "Additional Optimizations",
    "Monitoring Setup",
    "Performance Projections",
)

FIGURES = (
    "Active channels",
    "Avg connection latency",
    "Message throughput",
    "Connection stability",
    "Client memory usage",
)


def measures(report: Report) -> list[Measure]:
    changes = (change.gain for change in report.code.changes)
    return [*report.performance, *(verdict.measure for verdict in report.verdicts), *report.projections, *changes]


def test_sections_of_the_specification(inputs: Inputs) -> None:
    """All sections are there, in the order of the specification's response format."""
    text = as_markdown(build_report(inputs))
    places = [re.search(rf"^#+ {section}$", text, re.MULTILINE) for section in SECTIONS]
    assert all(places)
    starts = [place.start() for place in places if place]
    assert starts == sorted(starts)
    assert text.startswith("# ⚡ SUPABASE REALTIME OPTIMIZATION (PRISMA + SUPABASE)")


def test_figures_of_the_specification(inputs: Inputs) -> None:
    """Every X of "Current Performance Analysis" is a number with its sample size and its source."""
    found = {measure.name: measure for measure in build_report(inputs).performance}
    for name in FIGURES:
        assert found[name].value is not None
        assert found[name].source.startswith("profiling.json")
    assert found["Avg connection latency"].value == pytest.approx(4.07)
    assert found["Connection stability"].value == pytest.approx(100 * 150 / 154)
    assert found["Connection stability"].n == 154
    assert found["Client memory usage"].value == pytest.approx(17.3 / 1024)
    assert found["Message throughput"].value == pytest.approx(977 * 1.1)
    assert found["Lost changes"].value == pytest.approx(100 * 3 / 1014)


def test_every_measured_number_comes_from_the_results() -> None:
    """Another measurement gives other numbers everywhere: none of them is a constant that poses as measured."""
    one, other = build_report(inputs_at(1.0)), build_report(inputs_at(1.37))
    counts = {"Active channels", "Connection stability", "Lost changes", "Messages that the application did not want"}
    for before, after in zip((*one.performance, *one.verdicts), (*other.performance, *other.verdicts), strict=True):
        first, second = (item if isinstance(item, Measure) else item.measure for item in (before, after))
        if first.value is not None and first.name not in counts:
            assert first.value != second.value, first.name


def test_projections_come_from_the_comparison(inputs: Inputs) -> None:
    """A projection is the measured gain with its interval, and follows it when it changes."""
    found = profiling()
    assert found.comparison is not None
    gains = tuple(replace(gain, change_percent=-31.7, low_percent=-40.3) for gain in found.comparison.gains)
    result = replace(found, comparison=replace(found.comparison, gains=gains))
    report = build_report(replace(inputs, profiling=saved("profiling", result)))
    latency = next(measure for measure in report.projections if measure.name == "Latency")
    assert (latency.value, latency.low, latency.n) == (-31.7, -40.3, 3)
    assert "- Latency: **↓ 31.7 %**" in as_markdown(report)


def test_every_measure_names_its_source(with_review: Inputs) -> None:
    """Each value says out of which result file it comes; each missing value says why."""
    for measure in measures(build_report(with_review)):
        if measure.value is None:
            assert measure.because
            assert "not measured, because" in str(measure)
        else:
            assert re.match(r"(diagnosis|profiling|sync|review)\.json: ", measure.source), measure.name


def test_nothing_measured_is_nothing_claimed() -> None:
    """With a diagnosis alone every figure says that it was not measured, and which notebook measures it."""
    report = build_report(Inputs(diagnosis=saved("diagnosis", diagnosis())))  # type: ignore[arg-type]
    assert {measure.value for measure in measures(report)} == {None}
    text = as_markdown(report)
    assert "notebook 02_subscription_profiling has not been run" in text
    assert "notebook 03_prisma_sync has not been run" in text
    assert {verdict.word for verdict in report.verdicts} == {"open"}


def test_skipped_measurement_gives_its_reason(inputs: Inputs) -> None:
    """What could not be measured on this target says what to set."""
    skipped = Skipped("Subscriptions under load", "the workbook may not write to this target")
    partly = replace(profiling(), comparison=None, skipped=(skipped,))
    report = build_report(replace(inputs, profiling=saved("profiling", partly)))
    latency = next(measure for measure in report.projections if measure.name == "Latency")
    assert str(latency) == "not measured, because the workbook may not write to this target"


def test_verdicts(inputs: Inputs) -> None:
    """Each target of the specification is met, missed or open, by the measured value."""
    words = {verdict.objective: verdict.word for verdict in build_report(inputs).verdicts}
    assert words == {
        "Initial connection": "met",
        "Message delivery, broadcast": "met",
        "Message delivery, database change": "missed",
        "Throughput": "met",
        "Uptime": "open",
        "Payload size": "met",
        "Subscription efficiency": "met",
        "Memory usage": "met",
        "CPU overhead": "met",
        "Recovery": "open",
    }
    slow = {verdict.objective: verdict.word for verdict in build_report(inputs_at(60.0)).verdicts}
    assert slow["Initial connection"] == "missed"
    assert slow["Payload size"] == "missed"
    assert slow["CPU overhead"] == "missed"


def test_late_sender_proves_nothing(inputs: Inputs) -> None:
    """If this machine itself sent late, a late broadcast leaves the verdict open."""
    found = profiling(60.0)
    assert found.broadcast is not None
    late = tuple(replace(step, send_late_ms=80.0) for step in found.broadcast.steps)
    slow = replace(found, broadcast=replace(found.broadcast, steps=late))
    words = [
        [verdict.word for verdict in build_report(replace(inputs, profiling=saved("profiling", result))).verdicts][1]
        for result in (found, slow)
    ]
    assert words == ["missed", "open"]


def test_rate_below_the_target_leaves_throughput_open(inputs: Inputs) -> None:
    """A gentle rate that lost nothing does not prove that 1,000 a second are impossible."""
    found = profiling()
    assert found.broadcast is not None
    gentle = replace(found.broadcast.steps[0], rate_per_s=40.0, received_per_s=39.9)
    result = replace(found, broadcast=replace(found.broadcast, steps=(gentle,)))
    report = build_report(replace(inputs, profiling=saved("profiling", result)))
    assert {verdict.objective: verdict.word for verdict in report.verdicts}["Throughput"] == "open"


def test_issues_come_from_failed_checks(inputs: Inputs) -> None:
    """Failures and warnings of the diagnosis are issues with their fix; what is fine or was not checked is none."""
    report = build_report(inputs)
    problems = {issue.source.partition(";")[0]: issue for issue in report.connection_problems}
    assert list(problems) == ["diagnosis.json: tables_published"]
    assert problems["diagnosis.json: tables_published"].severe
    assert "add table messages" in problems["diagnosis.json: tables_published"].fix
    assert any(issue.source == "diagnosis.json: row_size" for issue in report.bottlenecks)


def test_an_issue_is_named_by_what_is_wrong_here(inputs: Inputs) -> None:
    """Not by what is healthy: its cause is the title; below it stand what a user sees, the evidence and the remedy."""
    check = Check(
        *(
            "wal_level",
            "WAL carries logical changes",
            Status.FAILURE,
            "wal_level = replica",
            "WAL is written for replicas",
        ),
        fix="alter system set wal_level = logical;",
        verify="`show wal_level` says logical",
    )
    note = Check(
        "numbers_exact", "Numbers arrive exactly", Status.NOTE, "messages.id", "JavaScript rounds them", "Use text"
    )
    found = saved("diagnosis", Diagnosis(TARGET, TAKEN_AT, (), (note, check)))
    text = as_markdown(build_report(replace(inputs, diagnosis=found)))
    assert "- **WAL is written for replicas** (failure)" in text
    assert "Conditions: No change of any table arrives; the Realtime log speaks" in text
    assert "Seen: wal\\_level = replica." in text
    assert "Healthy is: `show wal_level` says logical." in text
    assert text.index("### Worth knowing") < text.index("**JavaScript rounds them.**")
    assert "not here" not in text


def survival(*lost_by_the_naive: float) -> Experiment:
    """Connections that break: one kind of client loses something in each round, one reads up what it missed."""
    values = {NAIVE: lost_by_the_naive, BY_VERSION: (0.0,) * len(lost_by_the_naive)}
    measured = tuple(
        ExperimentMeasure(arm, LOST.name, LOST.unit, run, value)
        for arm, runs in values.items()
        for run, value in enumerate(runs)
    )
    settings = {"seconds": "4.0", "cut every (s)": "2.0", "cut for (s)": "1.0"}
    return Experiment(
        "survival", "?", TARGET, TAKEN_AT, "small", 9.0, tuple(values), (LOST,), measured, settings=settings
    )


def test_what_breaks_loses_is_a_connection_problem(inputs: Inputs) -> None:
    """With its conditions, the measured loss of each kind of client, and what keeps it away."""
    broken = replace(inputs, survival=saved("survival", survival(41.0, 43.0, 45.0)))
    problem = build_report(broken).connection_problems[0]
    assert "cut for 1.0 s of every 2.0 s" in problem.cause
    assert "43 % (95 % interval 38.3 to 48.3, n = 3 rounds)" in problem.cause
    assert problem.gain == f"lost instead: “{BY_VERSION}” 0 % (n = 3 rounds)"
    assert "workbook watch" in problem.prevention
    unbroken = replace(inputs, survival=saved("survival", survival(0.0, 0.0)))
    assert not any("reconnects" in issue.title for issue in build_report(unbroken).connection_problems)


def test_a_rise_without_an_end_has_no_interval(inputs: Inputs) -> None:
    """Two rounds that differ much leave open whether all was lost: no interval of millions of percent is claimed."""
    found = {measure.name: measure for measure in build_report(
        replace(inputs, survival=saved("survival", survival(48.0, 57.0)))
    ).projections}  # fmt: skip
    stability = found["Stability (changes that arrive although connections break)"]
    assert stability.value == pytest.approx(100 * (100 / 47.5 - 1))
    assert stability.high is None
    assert "too few for an interval" in str(stability)


def test_measured_bottlenecks(inputs: Inputs) -> None:
    """The full-table subscription and the unfaithful handlers are issues, with gains as measured."""
    full, poll, handlers, *_ = build_report(inputs).bottlenecks
    assert "608 of 811 messages" in full.cause
    assert "n = 3 pairs" in full.gain
    assert "p95" in poll.cause
    assert "7 of 251 rows correct" in handlers.cause
    assert "17 × UniqueViolationError" in handlers.cause
    assert "251 of 251 rows correct, 19 queries" in handlers.gain


def test_difference_that_is_not_shown(inputs: Inputs) -> None:
    """A projection whose interval holds zero shows no direction."""
    found = profiling()
    assert found.comparison is not None
    unsure = tuple(replace(gain, low_percent=-9.0, high_percent=7.0) for gain in found.comparison.gains)
    result = replace(found, comparison=replace(found.comparison, gains=unsure))
    text = as_markdown(build_report(replace(inputs, profiling=saved("profiling", result))))
    (line,) = [line for line in text.splitlines() if line.startswith("- Latency:")]
    assert "no difference shown" in line
    assert "↓" not in line
    assert "↑" not in line


def test_results_of_different_targets_are_told(inputs: Inputs) -> None:
    """A report from a lab's and a project's results says so at its top."""
    mixed = replace(inputs, sync=replace(saved("sync", sync()), target="hosted at https://x.supabase.co"))
    report = build_report(mixed)
    assert "different targets" in report.warnings[0]
    assert build_report(inputs).warnings == ()


class _Page(HTMLParser):
    """What matters of a page: headings, images, and every address that it would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.alts: list[str | None] = []
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self.lang: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.add(tag)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "img":
            self.alts.append(values.get("alt"))
        if tag == "html":
            self.lang = values.get("lang")
        if tag != "a":
            self.loads += [value for name, value in attrs if name in ("src", "srcset", "href") and value]


def test_page_is_self_contained(inputs: Inputs) -> None:
    """The HTML loads nothing: pictures are in it, for light and dark pages, and there is no script."""
    page = _Page(as_html(build_report(inputs), pictures(inputs)))
    assert len(page.alts) == 5
    assert len(page.loads) == 10
    assert all(address.startswith("data:image/png;base64,") for address in page.loads)
    assert "script" not in page.tags
    assert "link" not in page.tags


def test_page_is_accessible(inputs: Inputs) -> None:
    """One first heading, no level skipped, a language, and a text for every picture."""
    page = _Page(as_html(build_report(inputs), pictures(inputs)))
    assert page.lang == "en"
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert all(page.alts)
    assert any("608 not wanted" in (alt or "") for alt in page.alts)


def test_page_prints_and_darkens(inputs: Inputs) -> None:
    """The page has rules for paper and for dark screens."""
    page = as_html(build_report(inputs))
    assert "@media print" in page
    assert "prefers-color-scheme: dark" in page


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "a | b | c", "`x` **y** [z](javascript:alert(1))", "\n# no"]
)
def test_texts_of_a_server_are_shown_and_not_obeyed(inputs: Inputs, hostile: str) -> None:
    """Whatever a server or a database says is text in the report: no markup, no script, no heading, no link."""
    check = Check("key_accepted", hostile, Status.FAILURE, hostile, hostile, "do this")
    found = Diagnosis(TARGET, TAKEN_AT, (), (check,))
    plain = as_html(build_report(replace(inputs, diagnosis=saved("diagnosis", replace(found, checks=())))))
    page = as_html(build_report(replace(inputs, diagnosis=saved("diagnosis", found))))
    assert _Page(page).tags == _Page(plain).tags | {"li", "ul", "strong", "p"}
    assert _Page(page).headings == _Page(plain).headings
    assert "javascript:" not in "".join(re.findall(r'href="([^"]*)"', page))


def test_json_holds_the_report(inputs: Inputs) -> None:
    """A program reads back exactly the report."""
    report = build_report(inputs)
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_report_is_written(results: Path, tmp_path: Path) -> None:
    """Markdown with its pictures, HTML and JSON lie in the folder, made from the saved results."""
    for name, result in (("diagnosis", diagnosis()), ("profiling", profiling()), ("sync", sync())):
        save_result(name, result)
    folder = write_report(tmp_path / "out")
    assert sorted(path.name for path in folder.iterdir()) == ["pictures", "report.html", "report.json", "report.md"]
    text = (folder / "report.md").read_text()
    linked = re.findall(r"\]\((pictures/[^)]+)\)", text)
    assert len(linked) == 5
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in linked)
    assert read_json((folder / "report.json").read_bytes(), "it").target == TARGET


def test_no_result_no_report(results: Path, tmp_path: Path) -> None:
    """Before anything was measured there is one clear message and no file."""
    with pytest.raises(RunError, match="nothing has been measured"):
        write_report(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"name": "profiling"}', '{"name": 1}'])
def test_corrupt_result(results: Path, tmp_path: Path, content: str) -> None:
    """A result file that was damaged is told by its path, and nothing is written."""
    results.mkdir()
    (results / "profiling.json").write_text(content)
    with pytest.raises(RunError, match=r"profiling\.json"):
        write_report(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_folder_that_cannot_be_written(results: Path, tmp_path: Path) -> None:
    """A report that cannot be written is one clear message."""
    save_result("profiling", profiling())
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="folder you may write"):
        write_report(tmp_path / "file" / "out")


def test_nothing_to_profile_is_an_error() -> None:
    """A profiling of skipped parts only is refused."""
    with pytest.raises(ValueError, match="nothing was measured"):
        Profiling.of(Skipped("x", "y"))
