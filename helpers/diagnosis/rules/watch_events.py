"""Rules about the events of a watch: what came empty, twice or out of order, and what did not come."""

from __future__ import annotations

from typing import Any

from helpers.diagnosis.evidence import Database, Evidence, Missing, TableName, Watched
from helpers.diagnosis.evidence.watch import Committed, TableSeen, TopicSeen
from helpers.diagnosis.rules import watch_code as code
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning
from helpers.diagnosis.rules.watch import watched

__all__ = ["RULES"]

LIMITS = "https://supabase.com/docs/guides/realtime/limits"
APPLY_RLS = "https://github.com/supabase/walrus"
#: From this share of the quota on, the application's other clients may well have used the rest.
NEAR_LIMIT = 0.8
#: PostgreSQL's statistics are late and count what was rolled back: they tell something beyond this share and number.
STATISTICS_SHARE, STATISTICS_LEAST = 0.5, 20

Keys = dict[TableName, tuple[str, ...]]


def arrived(evidence: Evidence) -> Watched | Missing:
    """The watch, if any event arrived in it."""
    seen = watched(evidence)
    if isinstance(seen, Missing) or seen.events:
        return seen
    return Missing("no event arrived in the watch")


def keyed(evidence: Evidence) -> tuple[Watched, Keys] | Missing:
    """The watch, and the primary keys of the tables as far as they are known."""
    seen = arrived(evidence)
    if isinstance(seen, Missing):
        return seen
    tables = evidence.database.tables if isinstance(evidence.database, Database) else ()
    return seen, {table.name: table.primary_key for table in tables}


def compared(evidence: Evidence) -> Watched | Missing:
    """The watch, if the database told what was committed meanwhile."""
    seen = watched(evidence)
    if isinstance(seen, Missing) or not seen.not_compared:
        return seen
    return Missing(seen.not_compared)


@rule(
    "Changes carry their rows",
    arrived,
    APPLY_RLS,
    symptom="Events with an empty record: `payload.new` is {}, `payload.errors` says 401 or 400.",
    remedy="Grant SELECT to the role that listens, and give the table a primary key.",
    verify="Change a row: its event has the record and no errors.",
    notes=(28, 29),
)
def empty_records(seen: Watched) -> Verdict:
    """Realtime looks up whether a listener's role may see a row by its primary key. A role without SELECT on those
    columns gets “Error 401: Unauthorized”, a table without a key gives “Error 400”, both without any data, and neither
    obeys filters or policies."""
    closed = [table for table in seen.tables if table.with_error("401")]
    keyless = [table for table in seen.tables if table.with_error("400")]
    if not (closed or keyless):
        return ok(f"{sum(table.arrived.total for table in seen.tables)} changes, all with their rows")
    count = sum(table.with_error("401") + table.with_error("400") for table in seen.tables)
    causes = []
    if closed:
        causes.append(f"{seen.role} may not SELECT from {_names(closed)} (Error 401)")
    if keyless:
        causes.append(f"{_names(keyless)} has no primary key (Error 400)")
    fix = [_grant(table.name, seen.role) for table in closed]
    fix += [_key(table.name) for table in keyless]
    return failure(f"{count} changes without a row", f"{'; '.join(causes)}: changes come empty", "\n".join(fix))


@rule(
    "Rows are not too large",
    arrived,
    "https://github.com/supabase/realtime/issues/252",
    symptom="`payload.errors` says “Error 413: Payload Too Large”, and the large columns are missing.",
    remedy="Subscribe to the columns that are needed, move the large one to a table of its own, or fetch by the key.",
    verify="Change such a row: its event has no errors.",
    notes=(27,),
)
def too_large(seen: Watched) -> Verdict:
    """A change of more than 1 MiB is cut down to its fields of at most 64 bytes, and says so in `errors`, which most
    clients do not show."""
    large = [table for table in seen.tables if table.with_error("413")]
    if not large:
        return ok("no change was too large")
    count = sum(table.with_error("413") for table in large)
    cause = f"{count} changes of {_names(large)} were larger than 1 MiB and came with their small columns only"
    fix = "\n".join(_fetch_large(table.name) for table in large)
    return failure(f"“Error 413: Payload Too Large” {count} times", cause, fix)


@rule(
    "Not only DELETEs arrive",
    watched,
    "https://github.com/supabase/realtime/issues/213",
    symptom="Deleted rows vanish from the screen, new and changed ones never come.",
    remedy="Listen as the user whom the policies let read, with the user's token; without one a client is anon.",
    verify="Watch with a user's token: INSERT and UPDATE arrive too.",
    follows=("empty_records",),
    notes=(23, 24),
)
def only_deletes_arrive(seen: Watched) -> Verdict:
    """Policies decide who gets an INSERT or UPDATE. A DELETE has no row left to ask about, so that it goes to everybody
    who listens to the table. Whoever gets nothing but DELETEs is hidden from the rows: most often a client that
    listens as anon because Realtime was not given its user's token."""
    hidden = [(table, committed) for table in seen.tables if (committed := _hidden(seen, table)) is not None]
    if not hidden:
        return ok("INSERT and UPDATE arrive where rows are visible")
    names = listed(table.name for table, _ in hidden)
    text = "; ".join(
        f"{table.name}: {table.arrived.deletes} DELETE arrived, {_written(each)}" for table, each in hidden
    )
    if seen.role != "anon":
        cause = f"{seen.role} may see none of the rows of {names} that were written, and gets only DELETEs of them"
        return note(text, cause, "Watch with the token of a user who may see some, if that is not meant")
    cause = f"Row-level security hides the rows of {names} from anon, as whom this client listens; only DELETEs come"
    return failure(text, cause, "\n".join((code.refresh_token(), *(_policy(table.name) for table, _ in hidden))))


@rule(
    "Events stay below the quota",
    watched,
    LIMITS,
    symptom="At busy moments rows do not arrive, with no message about it; or a channel closes with “Too many messages "
    "per second”.",
    remedy="Send less: filter and select, write in batches, let one message tell of many rows; or take a larger plan.",
    verify="Watch at a busy moment: the rate stays below four fifths of the quota, and nothing is missed.",
    follows=("reconnecting", "dead_link", "idle_close"),
    notes=(34,),
)
def near_event_limit(seen: Watched) -> Verdict:
    """A project may send so many events per second, sends and deliveries of all its clients together. Broadcasts
    beyond that close the receiver's channel; changes beyond that are dropped, and nobody is told."""
    lost_per_s = seen.missed / max(seen.lasted_s, 1.0)
    used = (seen.rate_per_s + lost_per_s) / seen.quota_per_s
    told = sum(error.count for error in seen.errors if "Too many messages per second" in error.message)
    text = f"{seen.rate_per_s:.1f} events per second arrived in the busiest minute, of a quota of {seen.quota_per_s:g}"
    if told or (used >= NEAR_LIMIT and seen.missed):
        said = f"; the server said so {told} times" if told else "; changes beyond it are dropped in silence"
        cause = f"The project sends more events than its quota of {seen.quota_per_s:g} per second{said}"
        return failure(f"{text}; {seen.missed} did not arrive", cause, _spare(seen))
    if used >= NEAR_LIMIT:
        cause = f"This one listener alone gets {used:.0%} of the project's quota of {seen.quota_per_s:g} per second"
        return warning(text, f"{cause}; changes beyond it are dropped in silence", _spare(seen))
    return ok(text)


@rule(
    "What is committed arrives",
    compared,
    "https://supabase.com/docs/guides/realtime/postgres-changes",
    symptom="Some rows are in the database and never on the screen, although the status is SUBSCRIBED.",
    remedy="Find what drops them in the Realtime logs, and fetch again where completeness matters: Realtime does not "
    "promise delivery.",
    verify="Watch again: as many rows arrive as were committed.",
    follows=(
        *("heartbeat_gap", "dead_link", "idle_close", "token_expires_in_watch", "reconnecting", "error_frames"),
        *("rejoin_storm", "empty_records", "only_deletes_arrive", "near_event_limit"),
    ),
    notes=(9, 34),
)
def missed_events(seen: Watched) -> Verdict:
    """A filter or a policy that fails on one row drops the whole batch of changes, for all tables and listeners; a
    quota drops what is beyond it; a proxy may hold a frame back. None of them tells."""
    lost = [each for each in seen.committed if each.missed]
    topics = [topic for topic in seen.topics if topic.missed or topic.skipped]
    if not (lost or topics):
        return _nothing_missed(seen)
    text = "; ".join(
        f"{each.table}: {each.missed} of {each.visible} rows (as {', '.join(each.examples)})" for each in lost
    )
    text += "; ".join(f"{topic.name}: {(topic.missed or 0) + topic.skipped} broadcasts" for topic in topics)
    names = listed([*(each.table for each in lost), *(topic.name for topic in topics)])
    count = seen.missed + sum(topic.skipped for topic in topics)
    cause = f"{count} events of {names} that were due did not arrive, with no word about it"
    fix = (
        "-- look for PoolingReplicationError and changes_skip in the Realtime logs of that time; and, to be complete:\n"
    )
    return failure(text, cause, fix + code.fetch_after_return(each.table for each in lost))


@rule(
    "Each event comes once",
    keyed,
    "https://github.com/supabase/realtime#does-this-server-guarantee-message-delivery",
    symptom="A message is shown twice, a counter counts one too many.",
    remedy="Keep rows by their primary key, so that the same change twice does the same as once.",
    verify="Let a change come twice (two channels on one table do): the screen shows it once.",
)
def duplicates(given: tuple[Watched, Keys]) -> Verdict:
    """Nothing promises that a change comes only once: a server that starts again may read the log from an earlier
    place, and a client that is subscribed twice gets everything twice."""
    seen, keys = given
    twice = [table for table in seen.tables if table.duplicates]
    doubtful = [table for table in seen.tables if table.doubtful]
    topics = [topic for topic in seen.topics if topic.duplicates]
    if not (twice or doubtful or topics):
        return ok(f"{seen.events} events, each once")
    fix = "\n".join(code.apply_by_key(table.name, keys.get(table.name, ())) for table in twice or doubtful)
    if not (twice or topics):
        text = listed(f"{table.name}: {table.doubtful} UPDATEs" for table in doubtful)
        return note(text, "UPDATEs came twice, or changed nothing twice in one transaction, which looks the same", fix)
    text = listed(_counts(twice, topics, "duplicates"))
    cause = f"Events came twice ({text}): the server or something on the way repeated them"
    return warning(f"twice: {text}", cause, fix or "Keep the ids of broadcasts, and pass over those known already")


@rule(
    "Events come in the order of their commits",
    keyed,
    "https://supabase.com/docs/guides/realtime/postgres-changes",
    symptom="A row shows an older value after a newer one, until it is loaded again.",
    remedy="Keep each row's `commit_timestamp`, and pass over what is older.",
    verify="Watch again: no change arrives after one that was committed later.",
)
def reordered(given: tuple[Watched, Keys]) -> Verdict:
    """The server reads changes from the log in the order of their commits and sends them so on one connection.
    Something in between that forwards frames in parallel, or a client that handles them in parallel, loses the
    order."""
    seen, keys = given
    mixed = [table for table in seen.tables if table.reordered]
    topics = [topic for topic in seen.topics if topic.reordered]
    if not (mixed or topics):
        return ok(f"{seen.events} events in order")
    text = listed(_counts(mixed, topics, "reordered"))
    worst = max((table.worst_reorder_s for table in mixed), default=0.0)
    cause = f"Events came after others that were committed later ({text}), by up to {worst:.1f} s"
    fix = "\n".join(code.keep_newest(table.name, keys.get(table.name, ())) for table in mixed)
    return warning(f"out of order: {text}", cause, fix or "Number the broadcasts, and pass over what is older")


def _names(tables: list[TableSeen]) -> str:
    return listed(table.name for table in tables)


def _counts(tables: list[TableSeen], topics: list[TopicSeen], what: str) -> list[str]:
    return [f"{each.name}: {getattr(each, what)}" for each in tables + list[Any](topics)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _grant(table: TableName, role: str) -> str:
    return (
        f"grant usage on schema {_quoted(table.schema)} to {_quoted(role)};\n"
        f"grant select on table {table.quoted} to {_quoted(role)};"
    )


def _key(table: TableName) -> str:
    return f"alter table {table.quoted} add column id bigint generated always as identity primary key;"


def _policy(table: TableName) -> str:
    policy = f'create policy "read all" on {table.quoted} for select to anon using (true);'
    return f"-- only if everybody may read it:\n-- {policy}"


def _fetch_large(table: TableName) -> str:
    return (
        f"// {table}: listen to the small columns only …\n"
        f".on('postgres_changes', {{ event: '*', {code.schema_and_table(table)}, select: ['id'] }}, apply)\n"
        "// … and fetch the large one by the key where `payload.errors` is set, or where it is shown"
    )


def _hidden(seen: Watched, table: TableSeen) -> Committed | None:
    """What was committed to a table of which only DELETEs arrive, if there is something else and none may be seen."""
    if not table.arrived.deletes or table.arrived.inserts or table.arrived.updates:
        return None
    committed = next((each for each in seen.committed if each.table == table.name), None)
    return committed if committed is not None and committed.changed and committed.visible == 0 else None


def _written(committed: Committed) -> str:
    return f"{committed.changed} rows were written, of which {committed.visible} may be seen"


def _spare(seen: Watched) -> str:
    busiest = max(seen.tables, key=lambda table: table.arrived.total, default=None)
    if busiest is None:
        return "// one broadcast for many: collect for 100 ms, and send a list"
    return (
        f"// only the rows and columns of {busiest.name} that a screen shows:\n"
        f".on('postgres_changes', {{ event: '*', {code.schema_and_table(busiest.name)}, "
        "filter: 'room_id=eq.1', select: ['id'] }, apply)\n"
        "// or one broadcast for each batch of rows, from a trigger `for each statement`; or a plan with a larger quota"
    )


def _nothing_missed(seen: Watched) -> Verdict:
    """Say how sure that is."""
    known = [each for each in seen.committed if each.missed is not None]
    rows = sum(each.visible or 0 for each in known)
    unsure = listed(f"{each.table} ({each.unsure})" for each in seen.committed if each.unsure)
    text = f"{rows} rows of {listed(each.table for each in known) or 'no table'} compared, all arrived"
    text += f"; not compared: {unsure}" if unsure else ""
    short = [each for each in seen.committed if each.missed is None and _short(seen, each)]
    if not short:
        return ok(text)
    cause = (
        f"PostgreSQL's statistics count more writes to {listed(each.table for each in short)} than arrived; they also "
        "count rows that were rolled back or that this role may not see"
    )
    return note(text, cause, "Watch as a user who may see all rows, to be sure")


def _short(seen: Watched, committed: Committed) -> bool:
    if committed.statistics is None:
        return False
    table = seen.table(committed.table)
    missing = committed.statistics.total - (table.arrived.total if table is not None else 0)
    return missing >= max(STATISTICS_LEAST, STATISTICS_SHARE * committed.statistics.total)


RULES = (empty_records, too_large, only_deletes_arrive, near_event_limit, missed_events, duplicates, reordered)
