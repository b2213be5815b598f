"""Filters, events and columns are asked for only where the code shows that the same is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.review.inventory import Binding, Comparison, Handler, Text
from helpers.review.plan.rewriting.narrowing import event_edit, filter_edit, select_edit
from helpers.review.plan.rewriting.refused import Refused
from tests.review.plan.code import DATABASE, PATH, at, edited, script

COMPONENT = """\
type Props = { roomId: number; kind?: string; author: string | null; me: string }

export function Chat({ roomId, kind, author, me }: Props) {
  const fixed = 7
  let last = 1
  const current = useRef(1)
  useEffect(() => {
    const channel = supabase
      .channel('feed')
      .on('postgres_changes', { event: '*', schema: 'public', table: 'messages' }, (payload) => {
        if (payload.new.COLUMN === VALUE) {
          setMessages((all) => [...all, payload.new])
        }
      })
      .subscribe()
  }, [])
}
"""
OPTIONS = "{ event: '*', schema: 'public', table: 'messages' }"


def binding(text: str, handler: Handler | None = None, *, path: str = PATH) -> Binding:
    return Binding(
        "postgres_changes",
        Text("*"),
        at(text, "on('postgres_changes'", path),
        Text("public"),
        Text("messages"),
        options=at(text, OPTIONS, path),
        handler=handler or Handler(at(text, "(payload)", path)),
    )


def filtered(column: str, value: str, *, path: str = PATH) -> str:
    """The component with a filter for this test."""
    text = COMPONENT.replace("COLUMN", column).replace("VALUE", value)
    comparison = Comparison(
        column, "===", Text("?", False), "new", at(text, f"payload.new.{column} === {value}", path), guards=True
    )
    return edited(text, filter_edit(script(text, path), binding(text, path=path), comparison, DATABASE))


@pytest.mark.parametrize(
    ("column", "value", "written"),
    [
        ("room_id", "roomId", "filter: `room_id=eq.${roomId}`"),
        ("room_id", "fixed", "filter: `room_id=eq.${fixed}`"),
        ("room_id", "12", "filter: 'room_id=eq.12'"),
        ("author", "me", "filter: `author=eq.${me}`"),
    ],
)
def test_a_guard_becomes_a_filter(column: str, value: str, written: str) -> None:
    """What the handler compares with is written as the filter's value, in the file's own quotes."""
    assert f"table: 'messages', {written} }}, (payload)" in filtered(column, value)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("room_id", "last", "may be another value"),
        ("room_id", "current.current", "may be another value"),
        ("room_id", "me", "does not show that `me` is a number"),
        ("author", "author", "does not show that `author` is a string"),
        ("kind", "kind", "is text, whose values"),
        ("room_id", "unknown", "may be another value"),
        ("gone", "me", "of what type `gone` is"),
    ],
)
def test_a_guard_stays_where_the_filter_might_let_others_through(column: str, value: str, reason: str) -> None:
    """A value that changes, may be missing, is of another type, or could break the filter is left in the handler."""
    with pytest.raises(Refused, match=reason):
        filtered(column, value)


def test_reactive_values_of_vue_are_left_alone() -> None:
    """In Vue a constant of the script holds values that change."""
    text = (
        '<script setup lang="ts">\n' + COMPONENT.replace("COLUMN", "room_id").replace("VALUE", "fixed") + "</script>\n"
    )
    path = "Chat.vue"
    comparison = Comparison("room_id", "===", Text("?", False), "new", at(text, "payload.new.room_id === fixed", path))
    with pytest.raises(Refused, match="another value"):
        filter_edit(script(text, path), binding(text, path=path), comparison, DATABASE)


def test_the_only_event_is_asked_for() -> None:
    """A handler that tests for one event is given that one."""
    text = COMPONENT.replace("payload.new.COLUMN === VALUE", "payload.eventType === 'INSERT'")
    handler = Handler(at(text, "(payload) => {"), events=("INSERT",))
    assert "{ event: 'INSERT', schema: 'public'" in edited(text, event_edit(script(text), binding(text, handler)))


def test_an_event_stays_where_others_are_named() -> None:
    """A test for another event would no longer be of the payload's type."""
    text = COMPONENT.replace("payload.new.COLUMN === VALUE", "payload.eventType === 'INSERT' || 'UPDATE' === x")
    body = text[text.index("(payload) => {") : text.index("})\n      .subscribe") + 1]
    with pytest.raises(Refused, match="names other events"):
        event_edit(script(text), binding(text, Handler(at(text, body), events=("INSERT",))))


def test_the_columns_that_are_read_are_asked_for_with_the_key() -> None:
    """Columns come in the order of the table."""
    handler = Handler(at(COMPONENT, "(payload)"), reads=("kind", "author"))
    written = edited(COMPONENT, select_edit(script(COMPONENT), binding(COMPONENT, handler), DATABASE))
    assert "table: 'messages', select: ['id', 'author', 'kind'] }" in written


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        ({"reads": ("*",)}, "hands on the whole row"),
        ({"reads": ("kind",), "complete": False}, "hands on the whole row"),
        ({"reads": ("kind",), "reads_old": ("kind",)}, "as it was"),
        ({"reads": ("kindOf",)}, "does not have"),
        ({"reads": ("kind", "body", "meta")}, "small"),
    ],
)
def test_columns_stay_where_more_may_be_read(handler: dict[str, object], reason: str) -> None:
    """A row that is handed on may be read elsewhere; without large columns there is nothing to spare."""
    with pytest.raises(Refused, match=reason):
        select_edit(script(COMPONENT), binding(COMPONENT, Handler(at(COMPONENT, "(payload)"), **handler)), DATABASE)  # type: ignore[arg-type]


def test_three_changes_of_one_object_compose() -> None:
    """Each is made as if it were alone, and all stand in the object, over several lines as it is written."""
    text = COMPONENT.replace(
        OPTIONS, "{\n        event: '*',\n        schema: 'public',\n        table: 'messages',\n      }"
    )
    text = text.replace("COLUMN", "room_id").replace("VALUE", "roomId")
    options = text[text.index("{\n        event") : text.index("      }, (payload)") + 7]
    found = binding(text.replace(options, OPTIONS), Handler(at(text, "(payload)"), reads=("id",), events=("INSERT",)))
    whole = replace(found, options=at(text, options), place=at(text, "on('postgres_changes'"))
    comparison = Comparison("room_id", "===", Text("?", False), "new", at(text, "payload.new.room_id === roomId"))
    source = script(text)
    written = edited(
        text,
        filter_edit(source, whole, comparison, DATABASE),
        event_edit(source, whole),
        select_edit(source, whole, DATABASE),
    )
    assert (
        "{\n        event: 'INSERT',\n        schema: 'public',\n        table: 'messages',\n"
        "        filter: `room_id=eq.${roomId}`,\n        select: ['id'],\n      }, (payload)"
    ) in written
