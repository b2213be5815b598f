"""Section "Identified Issues": what the measurements and the diagnosis found, with its fix and its measured gain."""

from __future__ import annotations

from collections.abc import Iterator

from helpers.diagnosis.pages import all_pages
from helpers.diagnosis.results import Check, Status
from helpers.experiments.experiment import Experiment
from helpers.experiments.survival import LOST, NAIVE
from helpers.profiling.results import Comparison
from helpers.profiling.statistics import Summary
from helpers.report.inputs import Inputs
from helpers.report.model import Issue, number
from helpers.report.performance import MESSAGES_PER_S
from helpers.sync.results import SyncComparison, SyncRun

__all__ = ["bottlenecks", "connection_problems"]

#: Rules of the diagnosis that are about speed and size; all others are about whether it works at all.
SPEED_RULES = frozenset(
    {
        *("connect_time", "delivery_time", "payload_size", "row_size", "policies_wrapped", "changes_ready"),
        *("slot_lag", "replication_headroom", "connection_headroom"),
    }
)

#: What can be said of a check's fix before it is applied.
_GAIN_OF_CHECKS = {
    Status.FAILURE: "it works at all; nothing was measured, because there is nothing to measure before",
    Status.WARNING: "not measured, because the fix has not been applied: apply it, run again, and compare the two "
    "reports with `workbook compare`",
    Status.NOTE: "none is expected: it works as designed",
}

#: The specification's target for a message, end to end.
DELIVERY_MS = 50.0

BROADCAST_FROM_DATABASE = """\
create function announce() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  perform realtime.broadcast_changes(
    '{topic}:' || new.{column}, tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
  return null;
end $$;
create trigger announce after insert or update on {schema}.{table} for each row execute function announce();"""


def bottlenecks(inputs: Inputs) -> tuple[Issue, ...]:
    """Where time, bytes or work are wasted; the measured ones first."""
    return (*_measured(inputs), *_from_diagnosis(inputs, speed=True))


def connection_problems(inputs: Inputs) -> tuple[Issue, ...]:
    """What keeps clients from connecting, subscribing or receiving."""
    survival = inputs.survival.result if inputs.survival else None
    lost = _lost_while_away(survival) if survival else None
    return (*([lost] if lost else []), *_from_diagnosis(inputs, speed=False))


def _lost_while_away(survival: Experiment) -> Issue | None:
    """What a client that only reconnects never gets: Realtime keeps no changes for who is away."""
    naive = survival.estimate(NAIVE, LOST.name)
    if not naive.n or not naive.mean:
        return None
    settings = survival.settings
    others = ", ".join(f"“{arm}” {_share(survival, arm)}" for arm in survival.arms if arm != NAIVE)
    return Issue(
        title="A client that only reconnects loses what was committed while it was away",
        cause=f"Connections cut for {settings['cut for (s)']} s of every {settings['cut every (s)']} s, for "
        f"{settings['seconds']} s. Lost then: “{NAIVE}” {_share(survival, NAIVE)}",
        fix="After each SUBSCRIBED read what was missed, by a version column or from a change log, and take once what "
        "comes twice. `helpers.resilience` does so (notebook 07_resilience), and so does what `workbook typescript` "
        "writes",
        gain=f"lost instead: {others}",
        source=f"survival.json: measures, {LOST.name}",
        prevention="Number the rows (a sequence, a version) and alert on gaps: `workbook watch` counts them, and "
        "`workbook alerts` writes the rule.",
    )


def _share(survival: Experiment, arm: str) -> str:
    """Of all rows, how many were lost, with the interval if there is one."""
    found = survival.estimate(arm, LOST.name)
    interval = f"95 % interval {number(found.low)} to {number(found.high)}, " if found.n > 1 and found.mean else ""
    return f"{number(found.mean)} % ({interval}n = {found.n} rounds)"


def _measured(inputs: Inputs) -> Iterator[Issue]:
    if inputs.comparison is not None:
        yield _full_table(inputs.comparison)
    for issue in (_poll_wait(inputs), _unfaithful(inputs.synced) if inputs.synced else None):
        if issue is not None:
            yield issue


def _full_table(comparison: Comparison) -> Issue:
    full, gains = comparison.full, "; ".join(str(gain) for gain in comparison.gains)
    wasted = 100 * full.wasted / max(full.received, 1)
    return Issue(
        title=f"Full-table subscription to `{comparison.filtered.table}`",
        cause=(
            f"Every client receives every row: {full.wasted:,} of {full.received:,} messages ({wasted:.0f} %) were for "
            f"rows that the application did not want, at {full.rate_per_s:g} rows/s"
        ),
        fix=f"Subscribe with `filter: '{comparison.filtered.filter}'`",
        gain=gains,
        source="profiling.json: comparison",
    )


def _poll_wait(inputs: Inputs) -> Issue | None:
    """Database changes that are later than the target only because the server polls."""
    comparison = inputs.comparison
    latency = comparison.filtered.latency_ms if comparison else None
    if comparison is None or latency is None or latency.p95 < DELIVERY_MS:
        return None
    column, _, _ = (comparison.filtered.filter or "id=").partition("=")
    code = BROADCAST_FROM_DATABASE.format(
        topic="room", column=column, schema=comparison.filtered.schema, table=comparison.filtered.table
    )
    return Issue(
        title="Database changes wait for the server's poll",
        cause=(
            f"`postgres_changes` is polled: an idle server looks every {comparison.poll_wait_ms:.0f} ms. Measured p95 "
            f"{latency.p95:.0f} ms (n = {latency.n:,}), the target is {DELIVERY_MS:.0f} ms"
        ),
        fix=f"Where this is too late, broadcast from the database instead (private channel):\n\n```sql\n{code}\n```",
        gain=_against_broadcast(inputs, latency),
        source="profiling.json: comparison.filtered.latency_ms",
    )


def _against_broadcast(inputs: Inputs, change: Summary) -> str:
    step = inputs.broadcast.at(MESSAGES_PER_S) if inputs.broadcast else None
    if step is None or step.latency_ms is None:
        return "not measured, because no broadcast was measured"
    return (
        f"not measured for this path; in the same run a client's broadcast took {number(step.latency_ms.p50)} ms (p50, "
        f"n = {step.latency_ms.n:,}) against {number(change.p50)} ms for a change (p50, n = {change.n:,})"
    )


def _unfaithful(synced: SyncComparison) -> Issue | None:
    """Handlers that did not keep the second store equal to the table."""
    broken = [run for run in synced.runs if not run.is_faithful]
    if not broken:
        return None
    best = max((run for run in synced.runs if run.is_faithful), key=lambda run: run.rows_per_s, default=None)
    return Issue(
        title="The usual handler does not keep the data in step",
        cause="; ".join(f"“{run.strategy}” ({run.description}): {_shortcomings(run)}" for run in broken),
        fix=f"Use “{best.strategy}”: {best.description}" if best else "None of the strategies tried is right here",
        gain=_sync_gain(best) if best else "not measured, because no strategy was right",
        source="sync.json: runs",
        severe=True,
    )


def _shortcomings(run: SyncRun) -> str:
    counts = (
        ("stale", run.stale),
        ("lost", run.lost),
        ("wrong extra rows", run.duplicates),
        ("echoes", run.echo_events),
    )
    parts = [f"{run.rows_correct:,} of {run.rows_expected:,} rows correct"]
    parts += [f"{count:,} {word}" for word, count in counts if count]
    parts += [f"{count:,} × {kind}" for kind, count in run.errors.items()]
    return ", ".join(parts)


def _sync_gain(best: SyncRun) -> str:
    rate = f"{best.queries:,} queries, {best.rows_per_s:,.0f} rows/s"
    return f"{best.rows_correct:,} of {best.rows_expected:,} rows correct, {rate} (one run of each strategy)"


def _from_diagnosis(inputs: Inputs, *, speed: bool) -> Iterator[Issue]:
    if inputs.diagnosis is None:
        return
    measured_here = {"delivery_time"} if _poll_wait(inputs) else set()
    for check in inputs.diagnosis.result.ranked:
        told = (check.is_finding or check.status is Status.NOTE) and check.id not in measured_here
        if told and (check.id in SPEED_RULES) == speed:
            yield _from_check(check)


def _from_check(check: Check) -> Issue:
    """What the rule has found here: a check's own title says what is healthy, so it is not the name of the issue."""
    healthy = (check.verify or check.title).rstrip(".")
    return Issue(
        title=(check.cause or check.title).rstrip("."),
        cause=" ".join(part for part in (_symptom(check.id), f"Seen: {check.evidence.rstrip('.')}.") if part),
        fix=check.fix,
        gain=_GAIN_OF_CHECKS[check.status],
        source=f"diagnosis.json: {check.id}" + (f"; {check.source}" if check.source else ""),
        severe=check.status is Status.FAILURE,
        prevention=f"`workbook doctor` in your pipeline repeats this check. Healthy is: {healthy}.",
        is_note=check.status is Status.NOTE,
    )


def _symptom(rule: str) -> str:
    """What a user sees while a rule is broken; empty for a rule that is no longer there."""
    return next((page.symptom for page in all_pages() if page.id == rule), "")
