"""From facts to the answer: each reason a small function, in the order in which the server comes to it. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from helpers.diagnosis.arrival import payload as payloads
from helpers.diagnosis.arrival.admission import NOT_PUBLISHED
from helpers.diagnosis.arrival.catalog import PUBLICATION
from helpers.diagnosis.arrival.facts import ConditionResult, Facts, PolicyResult, TableFacts
from helpers.diagnosis.arrival.log import refused_write
from helpers.diagnosis.arrival.results import Arrival, Cause, Effect, Reason
from helpers.wire.refusals import subscription_advice

__all__ = ["decide"]

_NOTHING_FAILS = "the server drops this whole batch of changes, for all tables and all subscribers, and tells nobody"


def decide(facts: Facts, asked: str) -> Arrival:
    """Whether the change arrives and how; all reasons that would withhold it, as mending one may not be enough."""
    table = facts.table
    if table is None:
        reason = Reason(Cause.NO_TABLE, Effect.WITHHELD, f"{facts.question.table} is not in the database")
        return Arrival(asked, False, None, (reason,), facts.notes)
    reasons = [reason for judge in _JUDGES for reason in judge(facts, table)]
    delivered = not any(reason.effect is Effect.WITHHELD for reason in reasons)
    reasons.sort(key=lambda reason: list(Effect).index(reason.effect))
    return Arrival(asked, delivered, _payload(facts, table) if delivered else None, tuple(reasons), facts.notes)


def _payload(facts: Facts, table: TableFacts) -> dict[str, object]:
    event = facts.question.event
    error = _key_error(facts, table)
    return payloads.error_payload(table, event, error) if error else payloads.payload(facts, table)


def _key_error(facts: Facts, table: TableFacts) -> str:
    """The error that is sent in place of a row; filters and policies are not asked then."""
    if facts.question.event == "DELETE":
        return ""
    if not table.key:
        return payloads.NO_KEY
    return "" if all(column.readable for column in table.key) else payloads.UNAUTHORIZED


def _write(facts: Facts, table: TableFacts) -> Iterator[Reason]:
    refused = refused_write(table, facts.question.event)
    if refused is not None:
        yield Reason(Cause.WRITE_REFUSED, Effect.WITHHELD, refused.reason, refused.fix)


def _publication(facts: Facts, table: TableFacts) -> Iterator[Reason]:
    if table.kind == "p":
        evidence = f"the log names the partition that holds the row, not {table.name}"
        fix = f"alter publication {PUBLICATION} set (publish_via_partition_root = false);\n-- Listen to the partitions."
        yield Reason(Cause.PARTITIONED, Effect.WITHHELD, evidence, fix)
    elif not table.published:
        fix = f"alter publication {PUBLICATION} add table {table.name.quoted};"
        yield Reason(Cause.NOT_PUBLISHED, Effect.WITHHELD, f"{table.name} is not in {PUBLICATION}", fix)
    operation = facts.question.event.lower()
    if table.published and operation not in table.operations:
        every = ", ".join(dict.fromkeys((*table.operations, operation)))
        evidence = f"{PUBLICATION} publishes {', '.join(table.operations) or 'nothing'}"
        fix = f"alter publication {PUBLICATION} set (publish = '{every}');"
        yield Reason(Cause.OPERATION_NOT_PUBLISHED, Effect.WITHHELD, evidence, fix)


def _subscription(facts: Facts, table: TableFacts) -> Iterator[Reason]:
    if facts.refusal and not (facts.refusal == NOT_PUBLISHED and not table.published):
        fix = f"-- {subscription_advice(facts.refusal)}."
        yield Reason(Cause.SUBSCRIPTION_REFUSED, Effect.WITHHELD, facts.refusal, fix)
    if table.alike:
        evidence = (
            f"_ and % in the name are wildcards: the binding is also to {', '.join(map(str, table.alike))}; look at "
            "each change's table"
        )
        yield Reason(Cause.NAME_PATTERN, Effect.NOTE, evidence)


def _event(facts: Facts, table: TableFacts) -> Iterator[Reason]:
    asked, listens = facts.question.event, facts.question.listens
    if listens not in ("*", asked):
        yield Reason(Cause.EVENT, Effect.WITHHELD, f"it listens to {listens}, the change is {asked}", 'event: "*"')


def _key(facts: Facts, table: TableFacts) -> Iterator[Reason]:
    error, role = _key_error(facts, table), facts.question.role
    if error == payloads.NO_KEY:
        fix = f"alter table {table.name.quoted} add primary key (…);"
        yield Reason(Cause.NO_PRIMARY_KEY, Effect.CHANGED, f"what comes is empty, with “{error}”", fix)
    elif error:
        hidden = ", ".join(column.name for column in table.key if not column.readable)
        fix = f"grant select on {table.name.quoted} to {_quoted(role)};"
        evidence = f"{role} may not select {hidden}: what comes is empty, with “{error}”"
        yield Reason(Cause.KEY_PRIVILEGE, Effect.CHANGED, evidence, fix)


def _filter(facts: Facts, table: TableFacts) -> Iterator[Reason]:
    if _key_error(facts, table):
        return
    for condition in sorted(facts.conditions, key=lambda condition: not condition.error):
        if condition.error:
            evidence = f"{condition.text} of {_value(condition)} fails ({condition.error}): {_NOTHING_FAILS}"
            yield Reason(Cause.EVALUATION_FAILED, Effect.WITHHELD, evidence, _other_filter(condition))
        elif condition.missing:
            yield _missing(condition, facts, table)
        elif not condition.answer:
            answer = "null" if condition.answer is None else "false"
            evidence = f"{condition.text} is {answer}, as {condition.column} is {_value(condition)}"
            yield Reason(Cause.FILTER, Effect.WITHHELD, evidence)


def _missing(condition: ConditionResult, facts: Facts, table: TableFacts) -> Reason:
    fix = f"alter table {table.name.quoted} replica identity full;"
    if facts.question.event == "DELETE":
        carried = ", ".join(facts.old) or "nothing"
        evidence = (
            f"{condition.text} cannot be told: of a deleted row the log carries {carried} "
            f"(replica identity {table.replica_identity})"
        )
    else:
        evidence = f"{condition.text} cannot be told: the large value of {condition.column} is not logged anew"
    return Reason(Cause.FILTER_COLUMN, Effect.WITHHELD, evidence, fix)


def _other_filter(condition: ConditionResult) -> str:
    return f"-- Filter on another column: {condition.column} cannot be compared as Realtime compares."


def _value(condition: ConditionResult) -> str:
    if condition.value is None:
        return "null"
    return repr(condition.value if len(condition.value) <= 60 else condition.value[:60] + "…")


def _row_security(facts: Facts, table: TableFacts) -> Iterator[Reason]:
    security = facts.security
    if security is None:
        if table.rls and facts.question.event == "DELETE":
            evidence = "a DELETE is told to everybody who listens, whatever the policies say; only its key is told"
            yield Reason(Cause.NO_ROW_SECURITY, Effect.NOTE, evidence)
        return
    if security.error:
        evidence = f"row level security fails ({security.error}){_outcomes(security.results)}: {_NOTHING_FAILS}"
        yield Reason(Cause.EVALUATION_FAILED, Effect.WITHHELD, evidence, _security_fix(facts, table))
    elif not security.visible and not security.results and table.role.secured is False:
        yield _not_found(table)
    elif not security.visible:
        yield _hidden(facts, table)


def _not_found(table: TableFacts) -> Reason:
    kinds = ", ".join(f"{column.name} {column.type_sql}" for column in table.key)
    evidence = f"the server looks for the row by its key as text, which does not find {kinds}"
    return Reason(Cause.KEY_LOOKUP, Effect.WITHHELD, evidence, "-- Give the table a key of type uuid or bigint.")


def _hidden(facts: Facts, table: TableFacts) -> Reason:
    assert facts.security is not None
    role, results = facts.question.role, facts.security.results
    if not any(result.policy.permissive for result in results):
        if not any(policy.permissive and policy.applies for policy in table.policies):
            evidence = f"no policy lets {role} select anything in {table.name}"
            return Reason(Cause.ROW_SECURITY, Effect.WITHHELD, evidence, _security_fix(facts, table))
        return _not_found(table)
    return Reason(Cause.ROW_SECURITY, Effect.WITHHELD, f"for {role}{_outcomes(results)}", _security_fix(facts, table))


def _outcomes(results: tuple[PolicyResult, ...]) -> str:
    return "".join(f"; {_outcome(result)}" for result in results)


def _outcome(result: PolicyResult) -> str:
    kind = "" if result.policy.permissive else "restrictive "
    gave = f"fails ({result.error})" if result.error else {True: "true", False: "false", None: "null"}[result.answer]
    return f"{kind}policy “{result.policy.name}” using ({result.policy.using or 'nothing'}) is {gave}"


def _security_fix(facts: Facts, table: TableFacts) -> str:
    role = _quoted(facts.question.role)
    if not table.role.usage:
        return f"grant usage on schema {_quoted(table.name.schema)} to {role};"
    if any(policy.applies for policy in table.policies):
        return "-- Change that policy, or sign in as a user whom it lets see the row."
    return f"create policy readers on {table.name.quoted} for select to {role} using (…);"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _shape(facts: Facts, table: TableFacts) -> Iterator[Reason]:
    """What comes, but not as it was written."""
    if _key_error(facts, table):
        return
    if facts.size_bytes > payloads.MAX_BYTES:
        evidence = (
            f"{facts.size_bytes:,} bytes in the log: only values of at most {payloads.SMALL_BYTES} bytes come, with "
            f"“{payloads.TOO_LARGE}”"
        )
        yield Reason(Cause.TOO_LARGE, Effect.CHANGED, evidence, "-- Keep large values in a table of their own.")
    lost = [name for name in facts.unchanged if name not in facts.old]
    if lost:
        fix = f"alter table {table.name.quoted} replica identity full;"
        evidence = f"{', '.join(lost)}: stored apart from the row and not set by this UPDATE, so not in the log"
        yield Reason(Cause.UNCHANGED, Effect.CHANGED, evidence, fix)
    hidden = [column.name for column in table.columns if not column.readable]
    if hidden:
        evidence = f"{facts.question.role} may not select {', '.join(hidden)}"
        yield Reason(Cause.COLUMN_PRIVILEGE, Effect.NOTE, evidence)


def _old_row(facts: Facts, table: TableFacts) -> Iterator[Reason]:
    if facts.question.event != "DELETE" or not table.rls or len(facts.old) <= len(table.key):
        return
    evidence = f"under row level security, although the replica identity is {table.replica_identity}"
    yield Reason(Cause.OLD_KEY_ONLY, Effect.NOTE, evidence)


def _ignored(facts: Facts, table: TableFacts) -> Iterator[Reason]:
    """Realtime reads the log with wal2json, which knows the publication's tables and operations, no more."""
    for listing in table.listings:
        if listing.publication == PUBLICATION and (listing.columns is not None or listing.row_filter):
            what = (
                f"row filter {listing.row_filter}"
                if listing.row_filter
                else f"columns {', '.join(listing.columns or ())}"
            )
            yield Reason(Cause.PUBLICATION_IGNORED, Effect.NOTE, f"{PUBLICATION} has the {what}; all is sent")


_JUDGES: tuple[Callable[[Facts, TableFacts], Iterator[Reason]], ...] = (
    _write,
    _publication,
    _subscription,
    _event,
    _key,
    _filter,
    _row_security,
    _shape,
    _old_row,
    _ignored,
)
