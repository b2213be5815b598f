"""Rules about how much a subscription asks for: rows, events and columns that nobody uses."""

from __future__ import annotations

import re
from collections.abc import Iterator

from helpers.review.database.facts import ColumnFacts
from helpers.review.inventory import Comparison, TableCall, Text
from helpers.review.rules.reviewed import Change, Reviewed, exact
from helpers.review.rules.rule import Found, note, warning
from helpers.review.rules.words import FILTERS, binding, condition, listed
from helpers.review.source import Place
from helpers.wire.filters import FilterError, parse_conditions

__all__ = ["RULES", "columns_of", "filter_columns"]

FILTER_DOCS = "https://supabase.com/docs/guides/realtime/postgres-changes#available-filters"
BENCHMARKS = "https://supabase.com/docs/guides/realtime/benchmarks"
SELECT_DOCS = "https://supabase.com/docs/guides/realtime/postgres-changes"
#: Types whose values are mostly larger than all other columns of a row together.
LARGE_TYPES = re.compile(
    r"(?:jsonb?|bytea|xml|tsvector|(?:half)?vec(?:tor)?\b.*|geometry.*|geography.*)(?:\[\])?$", re.I
)
#: Names that long texts have.
LARGE_NAMES = re.compile(
    r"(?:^|_)(?:body|content|contents|html|markdown|transcript|document|raw|blob|attachment|embedding|payload)(?:$|_)"
)
LONG_TEXTS = re.compile(r"text|character varying|varchar|citext", re.I)
#: Files that every page of an application is shown in.
ROOT_LAYOUT = re.compile(
    r"(?:^|/)(?:app/layout\.[jt]sx?|pages/_app\.[jt]sx?|routes/\+layout\.svelte|layouts/default\.vue)$"
)
_CODE = re.compile(r"\{[^{}]*\}")


@warning(
    "A subscription asks for the rows that are used",
    FILTER_DOCS,
    symptom="Every client receives the changes of all rooms, users or projects, and throws most of them away; the "
    "quota of messages is used up by rows that nobody sees.",
    remedy="Ask for the rows in `filter`; put what the filter depends on into the topic and the effect's dependencies.",
    verify="The handler is called for the rows of the filter alone; messages fall to their share",
    notes=(18,),
)
def full_table(code: Reviewed) -> Iterator[Found]:
    """Without a filter each change of the table is sent to each subscriber, after row-level security was asked for each
    of them: the cost is rows × subscribers, however few of the rows a client shows."""
    for change in code.changes:
        if change.binding.filter is not None or not change.table:
            continue
        guards = _guards(change)
        if guards:
            wanted = ",".join(_condition(change, each) for each in guards)
            how = listed(f"{each.column} {each.operator} {each.other}, line {each.place.line}" for each in guards)
            evidence = f"no filter on {change.table}, and the handler throws away what does not fit ({how})"
            yield _full(change, wanted, evidence, tuple(each.place for each in guards))
        elif (query := _first_query(change)) is not None:
            column, _, value = next(each for each in query.conditions if each[1] == "eq")
            if column in change.handler.reads:
                continue  # rows with another value may be what it is there for
            if change.event == "DELETE" and column not in (change.identity or ()):
                continue  # the log may have nothing of a deleted row to compare
            evidence = (
                f"no filter on {change.table}, and the first query reads {column} = {value} (line {query.place.line})"
            )
            yield _full(change, condition(column, "eq", value), evidence, (query.place,))


def _full(change: Change, wanted: str, evidence: str, related: tuple[Place, ...]) -> Found:
    cause = f"Every change of {change.table} is sent to every client; those of {wanted} would do"
    fix = binding(change, filter=wanted)
    if change.deletes and not filter_columns(Text(wanted)) <= (change.identity or frozenset()):
        fix += f"\n-- and, for deletions to pass the filter: alter table {change.table} replica identity full;"
    return Found(change.binding.place, evidence, cause, fix, (*related, *change.channel.through))


@warning(
    "A filter asks for all that the handler wants",
    FILTER_DOCS,
    symptom="The handler is called more often than something happens.",
    remedy="Add the handler's condition to the filter, after a comma: all conditions of a filter must hold.",
    verify="The handler's first test never fails any more, and can go",
    follows=("filter_syntax",),
    notes=(18,),
)
def client_filter(code: Reviewed) -> Iterator[Found]:
    """The rows that the handler throws away have already been decoded, authorised, counted against the quota and sent.
    Commas in a filter mean AND."""
    for change in code.changes:
        own = change.binding.filter
        if own is None or not own.known:
            continue
        further = [each for each in _guards(change) if each.column not in filter_columns(own)]
        if further:
            wanted = ",".join([own.value, *(_condition(change, each) for each in further)])
            how = listed(f"{each.column} {each.operator} {each.other}, line {each.place.line}" for each in further)
            cause = f"Rows of {change.table} are sent that the handler throws away"
            evidence = f"the filter is {own.value}, and the handler tests {how}"
            places = (*(each.place for each in further), *change.channel.through)
            yield Found(change.binding.place, evidence, cause, binding(change, filter=wanted), places)


@warning(
    "A subscription asks for the events that are handled",
    SELECT_DOCS,
    symptom="Inserts, updates and deletes arrive, and the handler acts on one of them.",
    remedy="Name the event; for two of the three, make two bindings on one channel.",
    verify="The handler is called for that event alone",
)
def wildcard_event(code: Reviewed) -> Iterator[Found]:
    """`*` means inserts, updates and deletes. Each is authorised for and sent to each subscriber, and counts."""
    for change in code.changes:
        events = change.handler.events
        if change.event == "*" and len(events) == 1:
            cause = f"All events of {change.table or 'the schema'} are sent, and {events[0]} alone is acted on"
            evidence = f"event {change.binding.event.value}, and the handler does something on {events[0]} only"
            yield Found(change.binding.place, evidence, cause, binding(change, event=events[0]), change.channel.through)


@warning(
    "Large columns are sent to those who read them",
    SELECT_DOCS,
    symptom="Changes are kilobytes long although the handler shows a title; from 1 MiB on the row arrives with “Error "
    "413: Payload Too Large” and small columns alone.",
    remedy="Name the columns in `select` (supabase-js 2.109 or later; schema and table must be named, the primary key "
    "comes anyway), or keep the large column in a table of its own.",
    verify="`payload.new` has the named columns only",
    notes=(19, 27),
)
def large_columns(code: Reviewed) -> Iterator[Found]:
    """A change carries the whole row to each subscriber, large columns included; `select` has the server leave them
    out."""
    for change in code.changes:
        handler, facts = change.handler, change.facts
        read = columns_of(handler.reads)
        if facts is None or change.binding.select is not None or not read:
            continue
        large = [each for each in facts.columns if _is_large(each) and not {each.name, each.field} & read]
        if large and change.event in ("INSERT", "UPDATE", "*"):
            names = listed(each.name for each in large)
            kept = sorted(read | filter_columns(change.binding.filter) | set(facts.primary_key or ()))
            yield Found(
                change.binding.place,
                f"the handler reads {listed(sorted(read))}; {change.table} has also {listed(map(_typed, large))}",
                f"Each change carries {names} to every client, and this handler reads none of it",
                binding(change, select=",".join(kept)),
                tuple(each.place for each in large if each.place is not None),
            )


@note(
    "What every visitor sees is broadcast",
    BENCHMARKS,
    symptom="With a few thousand visitors changes come seconds late, or not at all.",
    remedy="Let a trigger call `realtime.broadcast_changes()` and listen to the broadcast, which is made once for all.",
    verify="Changes arrive as quickly with many visitors as with few",
)
def changes_for_every_visitor(code: Reviewed) -> Iterator[Found]:
    """postgres_changes asks for each subscriber whether it may see each row, on one thread of the database. Supabase
    names 3,000 subscribers to the same changes as the point from which broadcast is to be used instead."""
    seen: set[str] = set()
    for change in code.changes:
        if ROOT_LAYOUT.search(change.file.path) and change.binding.filter is None and change.file.path not in seen:
            seen.add(change.file.path)
            cause = (
                f"Every visitor of every page subscribes to {change.table or 'these changes'}: the database works "
                f"per visitor"
            )
            evidence = f"postgres_changes without a filter in {change.file.path}, which all pages are shown in"
            yield Found(change.binding.place, evidence, cause, _broadcast_instead(change))


def filter_columns(text: Text | None) -> set[str]:
    """The columns that a filter names, as far as they can be told."""
    if text is None:
        return set()
    try:
        return {each.column for each in parse_conditions(_CODE.sub("0", text.value))}
    except FilterError:
        return {found[1] for found in re.finditer(r"(\w+)=", text.value)}


def columns_of(reads: tuple[str, ...]) -> set[str]:
    """The columns that are read; none if the whole row goes somewhere."""
    return set() if "*" in reads else set(reads)


def _guards(change: Change) -> list[Comparison]:
    """The tests that throw rows away, and that the server could do. A test of what is null is none of them: `eq` and
    `neq` of null let nothing pass."""
    if change.event == "DELETE":
        return []
    return [
        each
        for each in change.handler.comparisons
        if each.guards and each.outside and each.side == "new" and each.operator in FILTERS and _asks(each)
    ]


def _asks(comparison: Comparison) -> bool:
    return comparison.other.value not in ("?", "null", "undefined", "None", "nil", "{?}") and bool(
        comparison.other.value
    )


def _condition(change: Change, comparison: Comparison) -> str:
    """As a filter has it, which names the column where the code names Prisma's field."""
    columns = {each.field: each.name for each in change.facts.columns if each.field} if change.facts else {}
    column = columns.get(comparison.column, comparison.column)
    return condition(column, FILTERS[comparison.operator], comparison.other)


def _first_query(change: Change) -> TableCall | None:
    """The read of the same table in the same component, if all of them ask for the same."""
    component = change.channel.where.component
    calls = [
        call
        for call in change.file.table_calls
        if component
        and call.where.component == component
        and exact(call.table) == change.table
        and call.method == "select"
    ]
    asked = {each for call in calls for each in call.conditions if each[1] == "eq"}
    return calls[0] if len(asked) == 1 and all(len(call.conditions) >= 1 for call in calls) else None


def _is_large(column: ColumnFacts) -> bool:
    if LARGE_TYPES.match(column.type) or column.prisma_type in ("Json", "Bytes"):
        return True
    return bool(LARGE_NAMES.search(column.name) and (LONG_TEXTS.match(column.type) or column.prisma_type == "String"))


def _typed(column: ColumnFacts) -> str:
    return f"{column.name} ({column.type or column.prisma_type})"


def _broadcast_instead(change: Change) -> str:
    name = change.table or "messages"
    return (
        f"create function public.{name}_changed() returns trigger language plpgsql security definer set search_path = "
        f"''\n"
        f"as $$ begin perform realtime.broadcast_changes('{name}', tg_op, tg_op, tg_table_name, tg_table_schema, new, "
        f"old);\n"
        f"return null; end $$;\ncreate trigger {name}_changed after insert or update or delete on "
        f"{change.schema}.{name}\n"
        f"for each row execute function public.{name}_changed();\n"
        f"-- and listen: .channel('{name}', {{ config: {{ private: true }} }}).on('broadcast', {{ event: '*' }}, …)"
    )


RULES = (full_table, client_filter, wildcard_event, large_columns, changes_for_every_visitor)
