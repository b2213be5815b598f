"""Rules on inventories made by hand: what is told, what is silenced, and fixes in the language of the file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.review.database.facts import ColumnFacts, DatabaseFacts, TableFacts
from helpers.review.findings import Severity
from helpers.review.inventory import (
    Binding,
    Channel,
    Comparison,
    FileFacts,
    Handler,
    Ignore,
    Inventory,
    Scope,
    Text,
    Where,
)
from helpers.review.rules import judge, judgement
from helpers.review.rules.words import condition, text
from helpers.review.source import Place

FILE = "app/chat.tsx"
ROOM = Text("{roomId}", False)
WHERE = Where((Scope("module", "", Place(FILE, 1)), Scope("function", "watch", Place(FILE, 2))))


def at(line: int) -> Place:
    return Place(FILE, line)


def binding(**changed: object) -> Binding:
    given = Binding("postgres_changes", Text("INSERT"), at(5), Text("public"), Text("messages"))
    return replace(given, **changed)  # type: ignore[arg-type]


def channel(*bindings: Binding, **changed: object) -> Channel:
    given = Channel(Text("room"), at(4), WHERE, bindings=bindings, client="supabase", subscribed=at(9))
    return replace(given, status_callback=True, forwards_status=True, **changed)  # type: ignore[arg-type]


def inventory(*channels: Channel, language: str = "typescript", **changed: object) -> Inventory:
    return Inventory(".", (FileFacts(FILE, language, channels, **changed),))  # type: ignore[arg-type]


def guarded(operator: str = "===", **changed: object) -> Handler:
    test = Comparison("room_id", operator, ROOM, "new", at(6), guards=True)
    return Handler(at(5), comparisons=(replace(test, **changed),))  # type: ignore[arg-type]


def rules_of(found: Inventory) -> list[str]:
    return [each.rule for each in judge(found)]


def test_nothing_is_said_of_nothing() -> None:
    """An empty code base has no faults, and no worst one."""
    assert judgement(Inventory(".")).findings == ()
    assert judgement(Inventory(".")).worst is None


def test_a_full_table_is_told_with_the_filter_that_would_do() -> None:
    """The fix names the own table, column and variable."""
    (finding,) = judge(inventory(channel(binding(handler=guarded()))))
    assert (finding.rule, finding.severity, finding.place) == ("full_table", Severity.WARNING, at(5))
    assert "table: 'messages', filter: `room_id=eq.${roomId}`" in finding.fix
    assert finding.related == (at(6),)


@pytest.mark.parametrize(
    "handler",
    [
        None,
        guarded(guards=False),
        guarded(outside=False),
        guarded(side="old"),
        guarded("truthy"),
        guarded(other=Text("null")),
        guarded(other=Text("?", False)),
    ],
)
def test_a_filter_that_cannot_be_told_is_not(handler: Handler | None) -> None:
    """Tests that do not drop rows, or whose value is not the component's, are no filter."""
    assert rules_of(inventory(channel(binding(handler=handler)))) == []


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("tsx", ".on('postgres_changes', { event: 'INSERT', schema: 'public', table: 'messages', filter: `room_id=eq."),
        ("python", 'on_postgres_changes("INSERT", schema="public", table="messages", filter=f"room_id=eq.{roomId}"'),
        ("dart", "type: PostgresChangeFilterType.eq, column: 'room_id', value: roomId"),
        (
            "swift",
            'postgresChange(InsertAction.self, schema: "public", table: "messages", filter: .eq("room_id", value:',
        ),
        ("kotlin", 'filter("room_id", FilterOperator.EQ, roomId)'),
    ],
)
def test_a_fix_speaks_the_language_of_the_file(language: str, says: str) -> None:
    """Each client has its own way to ask for the same."""
    (finding,) = judge(inventory(channel(binding(handler=guarded())), language=language))
    assert says in finding.fix


@pytest.mark.parametrize(
    ("ignore", "silenced"),
    [
        (Ignore(5, ("full_table",)), True),
        (Ignore(4, ("full_table", "wildcard_event")), True),
        (Ignore(5), True),
        (Ignore(5, ("wildcard_event",)), False),
        (Ignore(6, ("full_table",)), False),
    ],
)
def test_a_comment_silences_its_rule(ignore: Ignore, silenced: bool) -> None:
    """On the line or the one above, all rules or the named ones; what is silenced is counted."""
    told = judgement(inventory(channel(binding(handler=guarded())), ignores=(ignore,)))
    assert (len(told.findings), len(told.silenced)) == ((0, 1) if silenced else (1, 0))


def test_a_consequence_is_not_told_beside_its_cause() -> None:
    """A filter that cannot be read is one fault; that what is read of it names no column is not another one."""
    asked = binding(filter=Text("id.eq.5=7", True))
    assert rules_of(replace(inventory(channel(asked)), database=DatabaseFacts((MESSAGES,)))) == ["filter_syntax"]


def test_a_helper_that_is_called_twice_is_one_place() -> None:
    """Both calls have the same fault in the same line."""
    twice = (channel(binding(handler=guarded())), channel(binding(handler=guarded()), topic=Text("other")))
    assert rules_of(inventory(*twice)) == ["full_table"]


def test_a_finding_shows_its_code() -> None:
    """Where the text of the file is at hand, the line is shown with its neighbours."""
    lines = "\n".join(f"line {number}" for number in range(1, 12))
    (finding,) = judge(inventory(channel(binding(handler=guarded()))), lambda path: lines)
    assert "> 5 | line 5" in finding.code_frame


def test_failures_come_first() -> None:
    """The order is that of urgency, then of place."""
    late = channel(binding(event=Text("CREATE"), place=at(7)), binding(handler=guarded()))
    told = judgement(inventory(late))
    assert [each.rule for each in told.findings] == ["event_unknown", "full_table"]
    assert told.worst is Severity.FAILURE
    assert told.to_frame()["rule"].tolist() == ["event_unknown", "full_table"]


def test_tests_are_left_alone() -> None:
    """What a test leaves open ends with it."""
    file = replace(inventory(channel(binding(handler=guarded()))).files[0], path="src/chat.test.ts")
    assert rules_of(Inventory(".", (file,))) == []


MESSAGES = TableFacts(
    "public",
    "messages",
    "Message",
    (ColumnFacts("id", "bigint", "id", "BigInt"), ColumnFacts("room_id", "bigint", "roomId", "BigInt")),
    ("id",),
    (("id",), ("room_id",)),
    identity="default",
    whole=True,
)


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("roomId=eq.{id}", ["prisma_field_in_filter"]),
        ("room=eq.{id}", ["filter_column_unknown"]),
        ("room_id=eq.{id}", []),
        ("{column}=eq.{id}", []),
        ("{filter}", []),
        ("room_id={filter}", []),
        ("room_id={id}", ["filter_syntax"]),
        ("room_id=in.({ids})", []),
        ("room_id=eq.{id}&id=gt.5", ["filter_syntax"]),
        ("room_id==5", ["filter_syntax"]),
        ("room_id=eq.{id},id=gt.{last}", []),
    ],
)
def test_filters_are_read_as_the_server_reads_them(filter: str, found: list[str]) -> None:
    """What a hole could make right is not called wrong."""
    asked = binding(filter=Text(filter, "{" not in filter, ("=",)))
    told = replace(inventory(channel(asked)), database=DatabaseFacts((MESSAGES,)))
    assert rules_of(told) == found


@pytest.mark.parametrize(
    ("event", "identity", "found"),
    [("DELETE", "default", True), ("DELETE", "full", False), ("INSERT", "default", False), ("DELETE", None, False)],
)
def test_deletions_are_filtered_by_the_replica_identity(event: str, identity: str | None, found: bool) -> None:
    """What the code does not show is not judged."""
    table = replace(MESSAGES, identity=identity)  # type: ignore[arg-type]
    asked = binding(event=Text(event), filter=Text("room_id=eq.{id}", False, ("=",)))
    told = replace(inventory(channel(asked)), database=DatabaseFacts((table,)))
    assert rules_of(told) == (["delete_filter_identity"] if found else [])


@pytest.mark.parametrize(
    ("language", "value", "written"),
    [
        ("typescript", "room:{id}", "`room:${id}`"),
        ("python", "room:{id}", 'f"room:{id}"'),
        ("swift", "room:{id}", '"room:\\(id)"'),
        ("kotlin", "room", '"room"'),
        ("vue", "room", "'room'"),
    ],
)
def test_texts_are_written_as_the_language_does(language: str, value: str, written: str) -> None:
    """With what is computed in its place."""
    assert text(language, Text(value, "{" not in value)) == written


def test_a_list_is_asked_for_by_in() -> None:
    """The items between commas, in parentheses."""
    assert condition("state", "in", Text("{states}", False)) == "state=in.({states.join(',')})"
