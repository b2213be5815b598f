"""Results as the experiments would save them, made by hand: every number is odd enough to be found again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from helpers.diagnosis.results import Check, Diagnosis, Layer, Status
from helpers.prisma.datamodel import parse_datamodel
from helpers.profiling.results import (
    BroadcastProfile,
    BroadcastStep,
    Comparison,
    ConnectionProfile,
    MemoryProfile,
    Profile,
    Profiling,
    Slope,
)
from helpers.profiling.statistics import Gain, Summary
from helpers.profiling.subscription import gains_of
from helpers.report import Inputs
from helpers.results import Saved
from helpers.review.plan.gains import ChangeGain, QuotaUse
from helpers.review.plan.model import Change, Plan
from helpers.review.plan.proposing.proposal import ChangeKind
from helpers.review.reviewed import Followed, Reviewed
from helpers.review.source import Place
from helpers.sync.results import SyncComparison, SyncRun

TARGET, TAKEN_AT = "lab at http://127.0.0.1:1", "2026-11-22T10:00:00+00:00"
VERSIONS = {"python": "3.11.7"}


def summary(p50: float, n: int) -> Summary:
    above = 2.2 * p50 if n > 72 else None
    median, p95, mean = (0.93 * p50, 1.07 * p50), (1.7 * p50, above), (1.08 * p50, 1.13 * p50)
    return Summary(n, 1.1 * p50, p50, 1.9 * p50, 2.1 * p50, 2.5 * p50, median, p95, mean)


def profile(scale: float, row_filter: str | None, lost: int = 0) -> Profile:
    """A full table receives 811 messages, a filter 203 of them."""
    received = (203 if row_filter else 811) - lost
    return Profile(
        target=TARGET,
        taken_at=TAKEN_AT,
        label=f"filter {row_filter}" if row_filter else "full table",
        schema="public",
        table="events",
        filter=row_filter,
        interest="room_id=eq.123",
        rate_per_s=199.0,
        seconds=4.0,
        sent=811,
        expected=received + lost,
        received=received,
        wasted=0 if row_filter else 608,
        lost=lost,
        duplicated=0,
        reordered=0,
        latency_ms=summary(187.0 * scale, 203),
        payload_bytes=summary(853.0 * scale, received),
        wire_bytes_in=round(received * 853 * scale),
        throughput_per_s=received / 4,
        client_cpu_percent=(0.71 if row_filter else 1.93) * scale,
        send_late_ms=1.7,
        latencies_ms=tuple(187.0 * scale + place for place in range(10)),
    )


def comparison(scale: float) -> Comparison:
    pairs = tuple(
        (profile(scale * spread, None), profile(scale * spread * 0.9, "room_id=eq.123")) for spread in (0.98, 1.0, 1.03)
    )
    full, filtered = profile(scale, None), profile(scale * 0.9, "room_id=eq.123", lost=3)
    return Comparison(TARGET, TAKEN_AT, full, filtered, pairs, gains_of(pairs), poll_wait_ms=500.0)


def step(scale: float, rate: float) -> BroadcastStep:
    latency, size = summary(0.83 * scale, 977), summary(431.0 * scale, 977)
    return BroadcastStep(rate, 977, 977, 0, 0, 0, 977 * scale, 2.3, latency, size)


def profiling(scale: float = 1.0) -> Profiling:
    """Everything measured; `scale` makes it another measurement."""
    connection = ConnectionProfile(
        *(TARGET, TAKEN_AT, 93, 91, 61, 59),
        summary(3.7 * scale, 91),
        *(summary(value * scale, 22) for value in (1.9, 5.3, 0.61)),
        failures=("refused",),
    )
    memory = MemoryProfile(
        TARGET,
        TAKEN_AT,
        own_socket_kib=Slope(17.3 * scale, 16.9 * scale, 17.7 * scale, 11, 40),
        shared_socket_kib=Slope(3.1 * scale, 2.9 * scale, 3.3 * scale, 11, 40),
    )
    broadcast = BroadcastProfile(TARGET, TAKEN_AT, (step(scale, 499.0), step(scale * 1.1, 1009.0)))
    return Profiling(TARGET, TAKEN_AT, connection, comparison(scale), broadcast, memory)


def diagnosis() -> Diagnosis:
    layers = (Layer("TCP", 0.0, 1.3, Status.OK, "connected", (1.3, 1.1, 1.7)),)
    checks = (
        Check("tables_published", "Every table is in the publication", Status.FAILURE, "messages is missing",
              "A migration dropped it", "alter publication supabase_realtime add table messages;", 3.0, "https://x.y"),
        Check("row_size", "Rows are smaller than 1 KB", Status.WARNING, "2.2 KB | <script>alert(1)</script>", "Wide",
              "Select fewer columns"),
        Check("wal_level", "WAL carries logical changes", Status.OK, "logical"),
        Check("slot_lag", "Slots keep up", Status.SKIPPED, "not checked, because there is no DATABASE_URL"),
    )  # fmt: skip
    return Diagnosis(TARGET, TAKEN_AT, layers, checks)


def sync() -> SyncComparison:
    naive = SyncRun(
        "naive", "create per event", 307, 307, 13, 251, 7, 11, 233, 5, {"UniqueViolationError": 17}, 613, 3.7
    )
    one = SyncRun("create per event", "one call each", 307, 307, 0, 251, 240, 11, 0, 0, {}, 307, 2.9)
    batched = SyncRun("batched", "one transaction for many", 307, 307, 0, 251, 251, 0, 0, 0, {}, 19, 0.83)
    return SyncComparison(TARGET, TAKEN_AT, (naive, one, batched))


SCHEMA = """
model Note {
  id    BigInt @id
  topic BigInt @map("topic_id")

  @@map("notes")
}
"""
DIFF = """\
--- a/hooks/use-notes.ts
+++ b/hooks/use-notes.ts
@@ -3,1 +3,1 @@
-  .on('postgres_changes', { event: '*', schema: 'public', table: 'notes' }, take)
+  .on('postgres_changes', { event: '*', schema: 'public', table: 'notes', filter: `topic_id=eq.${topic}` }, take)
"""


def gain(metric: str, percent: float, *, spread: float = 3.0) -> Gain:
    return Gain(metric, "a change", 7.3, 7.3 * (1 + percent / 100), percent, percent - spread, percent + spread, n=4)


def reviewed(scale: float = 1.0) -> Reviewed:
    """One change that pays, one that makes something work, one that shows nothing and one that was not measured."""
    pays = ChangeGain(
        gain("messages", -71.9 / scale),
        better=(gain("client CPU", -41.3 / scale),),
        worse=(gain("latency p50", 4.9 * scale, spread=2.0),),
        before=QuotaUse(211.0 * scale, 42.2 * scale),
        after=QuotaUse(59.3 * scale, 11.9 * scale),
    )
    place = Place("hooks/use-notes.ts", 3, 5)
    changes = (
        Change("filter:3", ChangeKind.FILTER, "Filter notes by topic", place, ("full_table",), DIFF, DIFF, gain=pays),
        Change("publication", ChangeKind.PUBLICATION, "Publish notes", place, sql="alter publication x add table y;"),
    )
    idle = Change("event:3", ChangeKind.EVENT, "Ask for INSERT only", place, gain=ChangeGain(gain("messages", -0.3)))
    rest = Change("index", ChangeKind.INDEX, "Index the policy's column", place, advice="Not measured: no policy ran.")
    plan = Plan(changes, (idle,), (rest,), ChangeGain(gain("messages", -73.7 / scale)), "stated in usage.toml")
    followed = Followed("public", "notes", "topic_id=eq.{topic.id}", parse_datamodel(SCHEMA).models["Note"])
    counts = {"failure": 3, "warning": 5}
    return Reviewed("lab", TAKEN_AT, "notes-app", False, 31, 7, counts, "small", plan, followed)


def saved(name: str, result: object) -> Saved[object]:
    return Saved(name, TARGET, TAKEN_AT, VERSIONS, result)


@pytest.fixture
def inputs() -> Inputs:
    """Everything has been measured."""
    return inputs_at(1.0)


def inputs_at(scale: float) -> Inputs:
    results = {"diagnosis": diagnosis(), "profiling": profiling(scale), "sync": sync()}
    return Inputs(**{name: saved(name, result) for name, result in results.items()})  # type: ignore[arg-type]


@pytest.fixture
def with_review(inputs: Inputs) -> Inputs:
    """The code was reviewed as well."""
    return replace(inputs, review=saved("review", reviewed()))  # type: ignore[arg-type]


def without(inputs: Inputs, **fields: None) -> Inputs:
    return replace(inputs, **fields)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A results folder of the test's own."""
    folder = tmp_path / "results"
    monkeypatch.setenv("WORKBOOK_RESULTS_DIR", str(folder))
    return folder
