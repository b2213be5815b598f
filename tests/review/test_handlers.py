"""What handlers do with their payloads."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.review.inventory import Deed, Handler
from tests.review.code import binding_of, handler_of

READS = {
    "(payload) => show(payload.new.id, payload.new['body'])": (("id", "body"), ()),
    "(payload) => { const { id, body: text } = payload.new; show(id, text) }": (("id", "body"), ()),
    "({ new: row, old }) => show(row.id, old.id)": (("id",), ("id",)),
    "({ new: { id }, eventType }) => show(id)": (("id",), ()),
    "(payload) => { const row = payload.new as Message; show(row.id) }": (("id",), ()),
    "(payload) => { const row = payload.new; setMessages((all) => [...all, row]) }": (("*",), ()),
    "(payload) => setMessages((all) => [...all, { ...payload.new, mine: true }])": (("*",), ()),
    "(payload) => onMessage(payload)": (("*",), ("*",)),
    "(payload) => { console.log('new', payload); refetch() }": ((), ()),
    "(payload) => setMessages((all) => all.filter((each) => each.id !== payload.old.id))": ((), ("id",)),
    "() => refetch()": ((), ()),
    "(payload) => { if (payload.new) show((payload.new as Message).id) }": (("id",), ()),
    "(payload) => show(payload.new?.author?.name)": (("author",), ()),
    "async function (this: void, { new: row }) { show(row.id) }": (("id",), ()),
    "(payload) => { const { id, ...rest } = payload.new; show(rest) }": (("id", "*"), ()),
    "(payload) => add(payload.new)": (("*",), ()),
    "(payload) => local(payload.new)": (("title",), ()),
    "(payload) => { const row = payload.eventType === 'DELETE' ? payload.old : payload.new; show(row.id) }": (
        ("id",),
        ("id",),
    ),
}


@pytest.mark.parametrize("handler", READS)
def test_columns(tmp_path: Path, handler: str) -> None:
    """Columns are read by members, patterns and names; a row that goes elsewhere is read whole."""
    found = handler_of(tmp_path, handler, "const local = (row) => { document.title = row.title }")
    new, old = READS[handler]
    expected = (("*",) if "*" in new else new), old
    assert (found.reads, found.reads_old) == expected


def deeds(handler: Handler) -> list[tuple[str, str, str]]:
    return [(deed.kind, deed.target, deed.detail) for deed in handler.deeds]


DEEDS = {
    "(payload) => setMessages((all) => [...all, payload.new])": [("append_state", "setMessages", "append")],
    "(payload) => setMessages([payload.new])": [("set_state", "setMessages", "replace")],
    "(payload) => setMessages((all) => all.map((each) => each.id === payload.new.id ? payload.new : each))": [
        ("set_state", "setMessages", "merge")
    ],
    "() => queryClient.invalidateQueries({ queryKey: ['messages'] })": [
        ("invalidate", "queryClient.invalidateQueries", "")
    ],
    "() => { router.refresh() }": [("router_refresh", "router.refresh", "")],
    "async (payload) => { await prisma.message.create({ data: payload.new }) }": [
        ("prisma_write", "message", "create")
    ],
    "async () => { const { data } = await supabase.from('messages').select('*').order('id'); setMessages(data) }": [
        ("table_read", "messages", "select"),
        ("set_state", "setMessages", "replace"),
    ],
    "async (payload) => { await supabase.from('log').insert({ id: payload.new.id }).select() }": [
        ("table_insert", "log", "insert")
    ],
    "() => { console.log('changed') }": [("log", "console.log", "")],
    "(payload) => dispatch({ type: 'add', row: payload.new })": [("set_state", "dispatch", "")],
    "(payload) => getMessage((all) => [...all, payload.new])": [("append_state", "getMessage", "append")],
    "() => mutate()": [("invalidate", "mutate", "")],
    "() => { channel.send({ type: 'broadcast', event: 'x' }) }": [("broadcast", "channel", "")],
    "() => { toast.success('new') }": [("other", "toast.success", "")],
    "fetchMessages": [
        ("refetch", "fetchMessages", ""),
        ("table_read", "messages", "select"),
        ("set_state", "setMessages", "replace"),
    ],
    "() => fetchMessages()": [
        ("refetch", "fetchMessages", ""),
        ("table_read", "messages", "select"),
        ("set_state", "setMessages", "replace"),
    ],
    "() => fetch('/api', { method: 'POST', body })": [("other", "fetch", "")],
    "onlyDeletions": [
        ("append_state", "setMessages", "append"),
        ("refetch", "fetchMessages", ""),
        ("table_read", "messages", "select"),
        ("set_state", "setMessages", "replace"),
    ],
    "() => loadElsewhere()": [("refetch", "loadElsewhere", "")],
}
FETCH = """
  const fetchMessages = useCallback(async () => {
    const { data } = await supabase.from('messages').select()
    setMessages(data)
  }, [])
  const onlyDeletions = (payload) => {
    if (payload.eventType === 'INSERT') setMessages((all) => [...all, payload.new])
    else fetchMessages()
  }"""


@pytest.mark.parametrize("handler", DEEDS)
def test_deeds(tmp_path: Path, handler: str) -> None:
    """What is done is told by kind, through functions of the file as well."""
    assert deeds(handler_of(tmp_path, handler, FETCH)) == DEEDS[handler]


def by_target(handler: Handler) -> dict[str, Deed]:
    return {deed.target: deed for deed in handler.deeds}


EVENTS = (
    """(payload) => {
        if (payload.eventType === 'INSERT') setAdded(payload.new)
        else if (payload.eventType === 'UPDATE') setChanged(payload.new)
        else setRemoved(payload.old.id)
      }""",
    """({ eventType, new: row, old }) => {
        switch (eventType) {
          case 'INSERT': setAdded(row); break
          case 'UPDATE': { setChanged(row); break }
          default: setRemoved(old.id)
        }
      }""",
    """(payload) => {
        payload.eventType === 'INSERT' && setAdded(payload.new)
        if (payload.eventType === 'UPDATE') { setChanged(payload.new) }
        if (!['INSERT', 'UPDATE'].includes(payload.eventType)) setRemoved(payload.old.id)
      }""",
    """(payload) => {
        const isInsert = payload.eventType === 'INSERT'
        const isDelete = payload.eventType === 'DELETE'
        if (isInsert) setAdded(payload.new)
        if (isDelete) setRemoved(payload.old.id)
        if (!isInsert && !isDelete) setChanged(payload.new)
      }""",
    """(payload) => {
        if (payload.eventType === 'DELETE') { setRemoved(payload.old.id); return }
        if (payload.eventType === 'INSERT') { setAdded(payload.new); return }
        setChanged(payload.new)
      }""",
)


@pytest.mark.parametrize("handler", EVENTS)
def test_event_types(tmp_path: Path, handler: str) -> None:
    """However the event's type is tested, each deed has the events that lead to it."""
    found = handler_of(tmp_path, handler)
    assert found.events == ("DELETE", "INSERT", "UPDATE")
    assert {target: deed.events for target, deed in by_target(found).items()} == {
        "setAdded": ("INSERT",),
        "setChanged": ("UPDATE",),
        "setRemoved": ("DELETE",),
    }


def test_one_event_alone(tmp_path: Path) -> None:
    """A handler that leaves for all others acts on one event."""
    found = handler_of(tmp_path, "(payload) => { if (payload.eventType !== 'INSERT') return; setA(payload.new.id) }")
    assert found.events == ("INSERT",)


def test_no_test_of_the_event(tmp_path: Path) -> None:
    """Without a test there is nothing to say, and the only event of a binding is no test."""
    assert handler_of(tmp_path, "() => setA(1)").events == ()
    again = "(payload) => { if (payload.eventType === 'INSERT') setA(1) }"
    assert handler_of(tmp_path, again, event="INSERT").events == ()


GUARDS = {
    "(payload) => { if (payload.new.room_id === roomId) setA(payload.new) }": ("room_id", "===", True, True),
    "(payload) => { if (payload.new.room_id !== roomId) return; setA(payload.new) }": ("room_id", "===", True, True),
    "({ new: row }) => { if (!row || row.room_id !== roomId) { return } setA(row) }": ("room_id", "===", True, True),
    "(payload) => { roomId === payload.new.room_id && setA(payload.new) }": ("room_id", "===", True, True),
    "(payload) => { if (payload.new.room_id === roomId) setA(1); setB(2) }": ("room_id", "===", True, False),
    "(payload) => setA((all) => all.filter((each) => each.id !== payload.new.id))": ("id", "!==", False, False),
    "(payload) => { if (!payload.new.read) setA(1) }": ("read", "falsy", True, True),
    "(payload) => { if (rooms.includes(payload.new.room_id)) setA(1) }": ("room_id", "includes", True, True),
    "(payload) => { const isMine = payload.new.room_id === roomId; if (!isMine) return; setA(1) }": (
        "room_id",
        "===",
        True,
        True,
    ),
    "(payload) => { const { room_id } = payload.new; if (room_id != roomId) return; setA(1) }": (
        "room_id",
        "==",
        True,
        True,
    ),
}


@pytest.mark.parametrize("handler", GUARDS)
def test_comparisons(tmp_path: Path, handler: str) -> None:
    """A test guards if nothing happens to rows that fail it, however it is written."""
    (found,) = handler_of(tmp_path, handler).comparisons
    assert (found.column, found.operator, found.outside, found.guards) == GUARDS[handler]


def test_delays(tmp_path: Path) -> None:
    """What is debounced is not done at each event."""
    before = """
  const fetchList = async () => { const { data } = await supabase.from('messages').select(); setMessages(data) }
  const later = useMemo(() => debounce(fetchList, 300), [])
  const byHand = () => { clearTimeout(timer); timer = setTimeout(fetchList, 300) }
"""
    found = {
        handler: {deed.timed for deed in handler_of(tmp_path, handler, before).deeds if deed.kind == "table_read"}
        for handler in ("() => fetchList()", "() => later()", "later", "() => setTimeout(() => fetchList(), 100)")
    }
    assert list(found.values()) == [{""}, {"debounce"}, {"debounce"}, {"timeout"}]


def test_what_a_deed_takes(tmp_path: Path) -> None:
    """Columns that a deed is given, the whole row as *."""
    found = handler_of(
        tmp_path, "(payload) => { setCount(payload.new.count); prisma.message.create({ data: payload.new }); ping() }"
    )
    assert {target: deed.takes for target, deed in by_target(found).items()} == {
        "setCount": ("count",),
        "message": ("*",),
        "ping": (),
    }


def test_broadcasts_have_their_row_in_the_payload(tmp_path: Path) -> None:
    """Of a broadcast the columns are those of payload.payload."""
    found = binding_of(
        tmp_path,
        """\
        supabase.channel('x').on('broadcast', { event: 'cursor' }, ({ payload }) => {
          move(payload.x, payload.y)
        }).subscribe()
        """,
        "src/a.ts",
    ).handler
    assert found is not None
    assert found.reads == ("x", "y")


def test_a_handler_in_a_ref(tmp_path: Path) -> None:
    """A ref that holds the newest handler is followed to it."""
    before = "const ref = useRef(null); ref.current = (payload) => setMessages(payload.new.body)"
    found = handler_of(tmp_path, "(payload) => ref.current(payload)", before)
    assert found.reads == ("body",)
    assert [deed.target for deed in found.deeds] == ["setMessages"]


def test_a_handler_of_another_file(tmp_path: Path) -> None:
    """It is told that it is not known."""
    found = handler_of(tmp_path, "show")
    assert not found.complete
    assert found.name == "show"
