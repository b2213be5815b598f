"""Rules about the words of a subscription: events, filters, names of tables and columns, topics."""

from __future__ import annotations

import re
from collections.abc import Iterator

from helpers.review.database.facts import TableFacts
from helpers.review.inventory import Text
from helpers.review.rules.reviewed import Change, Reviewed, bare, exact, snake
from helpers.review.rules.rule import Found, failure
from helpers.review.rules.selection import filter_columns
from helpers.review.rules.words import binding, listed, quoted
from helpers.review.source import Place
from helpers.wire.filters import FilterError, Operator, parse_filter

__all__ = ["RULES"]

CHANGES = "https://supabase.com/docs/guides/realtime/postgres-changes"
SUBSCRIPTIONS = "supabase/realtime lib/extensions/postgres_cdc_rls/subscriptions.ex"
NAMES = "https://github.com/prisma/prisma/issues/18271"
EVENTS = ("INSERT", "UPDATE", "DELETE", "*")
UNABLE = (
    "“Unable to subscribe to changes with given parameters” as a system message; the status stays SUBSCRIBED, and no "
)
#: What a hole is put in place of, to see whether a filter can be read.
FILLED = "0"
_HOLE = re.compile(r"\{([^{}]*)\}")
#: A hole that could hold an operator with its value, or a whole condition.
_CONDITION_NAME = re.compile(r"filter|condition|operator|\bop\b|clause|query|expr|\?", re.I)
_JOINED = re.compile(r"\s*(?:&&?|\sand\s)\s*(?=\w+\s*=)", re.I)
_EQUALS = re.compile(r"^(\w+)\s*={1,3}\s*(?!\w+\.)(.+)$")


@failure(
    "Events have a name that the server knows",
    SUBSCRIPTIONS,
    symptom="The channel is SUBSCRIBED and the handler is never called.",
    remedy="Write INSERT, UPDATE, DELETE or `*`.",
    verify="The handler is called for a change of that kind",
)
def event_unknown(code: Reviewed) -> Iterator[Found]:
    """The server takes every word that it does not know for `*` and sends all events; the client compares their type
    with that word, and drops all of them."""
    for change in code.changes:
        if change.event and change.event not in EVENTS:
            meant = _meant(change.event)
            cause = (
                f"There is no event {change.binding.event.value}: everything is sent, and nothing is handed to "
                f"the handler"
            )
            yield Found(
                change.binding.place, f"event {change.binding.event.value}", cause, binding(change, event=meant)
            )


def _meant(event: str) -> str:
    for words, name in (("CREATE ADD NEW", "INSERT"), ("CHANGE MODIFY EDIT SET", "UPDATE"), ("REMOVE DROP", "DELETE")):
        if any(word in event for word in words.split()):
            return name
    return "*"


@failure(
    "Filters are written as the server reads them",
    SUBSCRIPTIONS,
    symptom="“Error parsing `filter` params” as a system message; the status stays SUBSCRIBED, and no binding of the "
    "channel delivers anything.",
    remedy="Write `column=operator.value`, several with commas between them, which mean AND; `in` takes parentheses.",
    verify="The system message of postgres_changes says ok",
    notes=(15, 18),
)
def filter_syntax(code: Reviewed) -> Iterator[Found]:
    """A filter is `column=operator.value`. All bindings of a channel are registered together: one filter that the
    server does not take silences the others too. An `&` is part of the value."""
    for change in code.changes:
        text = change.binding.filter
        wrong = _wrong(text) if text is not None and (text.exact or text.known) else ""
        if text is not None and wrong:
            mended = _mended(text.value)
            cause = f"The server cannot read the filter of {change.table or 'this binding'} as it is meant: {wrong}"
            fix = binding(change, filter=mended) if not _wrong(Text(mended, False)) else wrong
            yield Found(change.binding.place, f"filter {text.value}", cause, fix)


def _wrong(text: Text) -> str:
    """What is wrong with a filter; nothing where a hole could make it right."""
    if _JOINED.search(text.value):
        return "conditions are joined by commas, and `&` or `and` become part of the value"
    asked = text.value.partition("=")[2].removeprefix("not.")
    hole = _HOLE.match(asked)
    if not text.exact and hole and (hole.end() < len(asked) or _CONDITION_NAME.search(hole[1])):
        return ""
    if not text.exact and (_HOLE.fullmatch(text.value) or re.match(r"in\.\{", asked)):
        return ""
    try:
        parse_filter(_HOLE.sub(FILLED, text.value))
    except FilterError as error:
        return "" if "has an empty condition" in error.message and not text.exact else _named(error.message, text)
    return ""


def _named(message: str, text: Text) -> str:
    return message if text.exact else message.partition(":")[2].strip() or message


def _mended(value: str) -> str:
    """What was most likely meant."""
    parts = [_condition(part.strip()) for part in _JOINED.split(value)]
    return ",".join(parts)


def _condition(part: str) -> str:
    found = _EQUALS.match(part)
    if found and found[2].split(".")[0].strip() not in Operator.__members__.values():
        return f"{found[1]}=eq.{found[2].strip()}"
    opened = re.match(r"^(\w+=(?:not\.)?in\.)(?!\()(.*)$", part)
    return f"{opened[1]}({opened[2]})" if opened else part


@failure(
    "A filter comes with its schema and table",
    SUBSCRIPTIONS,
    symptom=f"{UNABLE}binding of the channel delivers anything.",
    remedy="Name `schema` and `table` wherever there is a `filter` or a `select`.",
    verify="The system message of postgres_changes says ok",
    notes=(13, 15, 19),
)
def filter_without_names(code: Reviewed) -> Iterator[Found]:
    """The server reads a filter, and a list of columns, together with both names; with one of them missing it refuses
    the binding, and with it all others of the channel."""
    for change in code.changes:
        names = {"schema": change.binding.schema, "table": change.binding.table}
        missing = [name for name, value in names.items() if value is None]
        stars = [name for name, value in names.items() if value is not None and value.value == "*"]
        if change.binding.filter is not None and missing:
            cause = f"A filter without {' and '.join(missing)} is refused, and the whole channel stays silent"
        elif change.binding.select is not None and (stars or "table" in missing):
            cause = "Columns can be chosen of a named table only: the server refuses the binding"
        else:
            continue
        evidence = f"{listed(missing or stars)} {'not given' if missing else 'is *'}"
        yield Found(change.binding.place, evidence, cause, binding(change, **_named_table(change)))


def _named_table(change: Change) -> dict[str, str]:
    return {"schema": change.schema, "table": change.table or "messages"}


@failure(
    "A filter names a column of its table",
    CHANGES,
    symptom=f"{UNABLE}binding of the channel delivers anything (“invalid column for filter”).",
    remedy="Name a column as the database spells it.",
    verify="The system message of postgres_changes says ok",
    follows=("filter_syntax",),
    notes=(15, 44),
)
def filter_column_unknown(code: Reviewed) -> Iterator[Found]:
    """The database looks the column up when the subscription is made. If there is none of that name it refuses all
    bindings of the channel, and says so in a system message only."""
    for change in code.changes:
        facts = change.facts
        if facts is None or not facts.whole:
            continue
        known = {each.name for each in facts.columns} | {each.field for each in facts.columns}
        strange = sorted(filter_columns(change.binding.filter) - known - {FILLED})
        if strange:
            columns = listed(each.name for each in facts.columns)
            cause = f"{change.table} has no column {listed(strange)}: no binding of this channel delivers anything"
            evidence = f"filter {change.binding.filter}; the columns of {change.table} are {columns}"
            related = (facts.place,) if facts.place else ()
            yield Found(change.binding.place, evidence, cause, f"filter on one of {columns}", related)


@failure(
    "Filters name columns, not fields of Prisma",
    NAMES,
    symptom=f"{UNABLE}binding of the channel delivers anything (“invalid column for filter”).",
    remedy="Write the name that `@map` gives the column.",
    verify="The system message of postgres_changes says ok",
    notes=(44,),
)
def prisma_field_in_filter(code: Reviewed) -> Iterator[Found]:
    """`@map` is known to Prisma's client alone. Realtime reads the write-ahead log, which has the database's names."""
    for change in code.changes:
        fields = _renamed(change.facts)
        used = sorted(filter_columns(change.binding.filter) & fields.keys())
        if change.facts is not None and change.binding.filter is not None and used:
            mended = change.binding.filter.value
            for field in used:
                mended = re.sub(rf"(?<![\w{{]){re.escape(field)}(?==)", fields[field], mended)
            names = listed(f"{field} → {fields[field]}" for field in used)
            cause = f"{listed(used)} is a field of model {change.facts.model}; the column is {fields[used[0]]}"
            evidence = f"filter {change.binding.filter}; @map says {names}"
            yield Found(change.binding.place, evidence, cause, binding(change, filter=mended), _columns(change, used))


@failure(
    "Handlers read columns, not fields of Prisma",
    NAMES,
    symptom="Parts of the row are undefined in the handler, and correct after a reload.",
    remedy="Read the name that `@map` gives the column, or translate the row at one place.",
    verify="The handler sees the value",
    notes=(44,),
)
def prisma_field_in_payload(code: Reviewed) -> Iterator[Found]:
    """A payload's row has the database's names: what Prisma calls by a field's name is undefined in it."""
    for change in code.changes:
        fields = _renamed(change.facts)
        used = sorted(_read(change) & fields.keys())
        if change.facts is not None and used:
            names = listed(f"{field} → {fields[field]}" for field in used)
            cause = (
                f"payload.new has no {listed(used)}: the columns of {change.table} have other names than Prisma's "
                f"fields"
            )
            evidence = f"the handler reads {listed(used)}; @map says {names}"
            yield Found(change.binding.place, evidence, cause, names, _columns(change, used))


@failure(
    "Subscriptions name tables, not models of Prisma",
    NAMES,
    symptom=f"{UNABLE}binding of the channel delivers anything.",
    remedy="Write the name that `@@map` gives the table.",
    verify="The system message of postgres_changes says ok",
    notes=(15, 44),
)
def prisma_model_as_table(code: Reviewed) -> Iterator[Found]:
    """`@@map` is known to Prisma's client alone; to the database there is no table of the model's name."""
    for change in code.changes:
        model = next((t for t in code.inventory.database.tables if t.model == change.table != ""), None)
        if change.facts is None and model is not None:
            cause = f"{change.table} is Prisma's model; its table is {model.name}"
            related = (model.place,) if model.place else ()
            fix = binding(change, table=model.name, schema=model.schema)
            yield Found(change.binding.place, f"table {change.table}; @@map says {model.name}", cause, fix, related)


@failure(
    "The table is spelled as in the database",
    CHANGES,
    symptom=f"{UNABLE}binding of the channel delivers anything.",
    remedy="Write the table's name as the database has it: case counts, and nothing makes a plural of it.",
    verify="The system message of postgres_changes says ok",
    follows=("prisma_model_as_table",),
    notes=(15, 44),
)
def table_unknown(code: Reviewed) -> Iterator[Found]:
    """A model without `@@map` means the table of exactly its own name, capitals included; SQL without quotes makes
    small letters of them."""
    for change in code.changes:
        near = code.tables_alike.get((change.schema, bare(change.table)), [])
        if change.table and change.facts is None and len(near) == 1 and near[0].model != change.table:
            cause = f"There is no table {change.table}; the database has {near[0].name}"
            related = (near[0].place,) if near[0].place else ()
            yield Found(
                change.binding.place, f"table {change.table}", cause, binding(change, table=near[0].name), related
            )


@failure(
    "What is listened to is registered before subscribing",
    "https://github.com/supabase/supabase-js/issues/1917",
    symptom="“cannot add `postgres_changes` callbacks … after `subscribe()`”, or with older clients silence and "
    "“mismatch between server and client bindings”.",
    remedy="Call `.on(…)` first and `.subscribe()` last.",
    verify="The handler is called",
    notes=(13,),
)
def on_after_subscribe(code: Reviewed) -> Iterator[Found]:
    """The bindings of postgres_changes and presence are sent with the join. What comes later was not asked for; since
    2.101 the client throws."""
    for file, channel in code.channels:
        for each in channel.bindings:
            if (
                each.after_subscribe
                and each.kind in ("postgres_changes", "presence")
                and channel.subscribed is not None
            ):
                name = channel.variable or "channel"
                cause = f"{each.kind} is registered on {name} after it was subscribed: the join did not ask for it"
                evidence = f"subscribed in line {channel.subscribed.line}, .on in line {each.place.line}"
                fix = f"{name}.on({quoted(file.language, each.kind)}, …) before {name}.subscribe(…)"
                yield Found(each.place, evidence, cause, fix, (channel.subscribed,))


@failure(
    "Topics have a name of their own",
    "https://supabase.com/docs/guides/realtime/concepts",
    symptom="The channel does not join, or receives what is not for it.",
    remedy="Name the topic after what it is about.",
    verify="The channel is SUBSCRIBED under its new name",
)
def topic_reserved(code: Reviewed) -> Iterator[Found]:
    """“realtime” is the prefix of all topics, and the one name that the documentation excludes."""
    for file, channel in code.channels:
        if exact(channel.topic).lower() == "realtime":
            table = next((exact(each.table) for each in channel.bindings if exact(each.table)), "changes")
            cause = "`realtime` is reserved: every topic but this can be used"
            yield Found(channel.created, "topic realtime", cause, f"channel({quoted(file.language, snake(table))})")


def _renamed(facts: TableFacts | None) -> dict[str, str]:
    """Prisma's fields that no column is named like, with their columns."""
    columns = facts.columns if facts is not None else ()
    names = {each.name for each in columns}
    return {each.field: each.name for each in columns if each.field and each.field not in names}


def _read(change: Change) -> set[str]:
    """All names that the handler takes out of a row, also when the row goes somewhere as a whole."""
    handler = change.handler
    return {*handler.reads, *handler.reads_old, *(each.column for each in handler.comparisons)}


def _columns(change: Change, fields: list[str]) -> tuple[Place, ...]:
    columns = change.facts.columns if change.facts is not None else ()
    return tuple(each.place for each in columns if each.field in fields and each.place is not None)


RULES = (
    event_unknown,
    filter_syntax,
    filter_without_names,
    prisma_field_in_filter,
    filter_column_unknown,
    prisma_field_in_payload,
    prisma_model_as_table,
    table_unknown,
    on_after_subscribe,
    topic_reserved,
)
