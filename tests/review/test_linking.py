"""What files know together."""

from __future__ import annotations

from pathlib import Path

from helpers.review.inventory import Channel
from tests.review.code import inventory_in

HOOK = """\
import { useEffect } from 'react'
import { supabase } from '@/lib/supabase'

export function useRealtime(table: string, onChange: (payload: any) => void, event = '*') {
  useEffect(() => {
    const channel = supabase
      .channel(`changes-${table}`)
      .on('postgres_changes', { event, schema: 'public', table }, (payload) => onChange(payload))
      .subscribe()
    return () => {
      supabase.removeChannel(channel)
    }
  }, [table, onChange, event])
}
"""


def tables(channels: tuple[Channel, ...]) -> list[tuple[str, str, bool]]:
    """Topic, table, and whether the table is exact, of channels with one binding each."""
    found = []
    for channel in channels:
        (binding,) = channel.bindings
        assert binding.table is not None
        found.append((channel.topic.value, binding.table.value, binding.table.exact))
    return found


def test_a_hook_that_nobody_calls_is_a_pattern(tmp_path: Path) -> None:
    """What a parameter would fill stays a hole."""
    inventory = inventory_in(tmp_path, {"src/hooks/useRealtime.ts": HOOK})
    assert tables(inventory.channels) == [("changes-{table}", "{table}", False)]
    assert inventory.channels[0].through == ()


def test_a_hook_is_a_channel_for_each_call(tmp_path: Path) -> None:
    """Each call fills topic, table and event, and its function is what the handler does."""
    inventory = inventory_in(
        tmp_path,
        {
            "src/hooks/useRealtime.ts": HOOK,
            "src/pages/Orders.tsx": """\
                import { useRealtime } from '@/hooks/useRealtime'
                export function Orders({ shop }) {
                  const [orders, setOrders] = useState([])
                  useRealtime('orders', (payload) => {
                    if (payload.new.shop_id !== shop) return
                    setOrders((all) => [...all, payload.new])
                  }, 'INSERT')
                  const reload = async () => setOrders((await supabase.from('items').select()).data)
                  useRealtime('items', reload)
                }
                """,
        },
    )
    orders, items = inventory.channels
    assert tables((orders, items)) == [("changes-orders", "orders", True), ("changes-items", "items", True)]
    assert [channel.bindings[0].event.value for channel in (orders, items)] == ["INSERT", "*"]
    assert [place.path for place in orders.through] == ["src/pages/Orders.tsx"]
    assert [scope.name for scope in orders.where.scopes if scope.kind in ("component", "hook")] == [
        "Orders",
        "useRealtime",
    ]
    handler = orders.bindings[0].handler
    assert handler is not None
    assert handler.reads == ("*",)
    assert [(each.column, each.guards) for each in handler.comparisons] == [("shop_id", True)]
    assert handler.complete
    again = items.bindings[0].handler
    assert again is not None
    assert {deed.kind for deed in again.deeds} == {"refetch", "table_read", "set_state"}
    assert all(removal.in_cleanup for channel in inventory.channels for removal in channel.removals)


def test_options_as_one_object(tmp_path: Path) -> None:
    """Properties of an object are parameters too; what a call leaves out is left out."""
    inventory = inventory_in(
        tmp_path,
        {
            "src/useTable.ts": """\
                export const useTable = ({ table, filter, event = 'INSERT', onInsert }: Options) => {
                  useEffect(() => {
                    const channel = supabase.channel(['table', table].join(':'))
                    const options = { event, schema: 'public', table, filter }
                    channel.on('postgres_changes', options, ({ new: row }) => onInsert(row))
                    channel.subscribe()
                    return () => { channel.unsubscribe() }
                  }, [table])
                }
                """,
            "src/A.tsx": """\
                import { useTable } from './useTable'
                export function A({ id }) {
                  useTable({ table: 'a', filter: `id=eq.${id}`, onInsert: (row) => setName(row.name) })
                  useTable({ table: 'b', event: '*', onInsert: () => refetch() })
                }
                """,
        },
    )
    first, second = (channel.bindings[0] for channel in inventory.channels)
    assert tables(inventory.channels) == [("table:a", "a", True), ("table:b", "b", True)]
    assert (first.event.value, second.event.value) == ("INSERT", "*")
    assert first.filter is not None
    assert first.filter.value == "id=eq.{id}"
    assert second.filter is None
    assert first.handler is not None
    assert first.handler.reads == ("name",)
    assert second.handler is not None
    assert (second.handler.reads, [deed.kind for deed in second.handler.deeds]) == ((), ["refetch"])


def test_helpers_of_the_same_file_and_of_helpers(tmp_path: Path) -> None:
    """A helper that calls a helper is followed."""
    inventory = inventory_in(
        tmp_path,
        {
            "src/live.ts": """\
                function listen(topic: string, table: string, show: (row: any) => void) {
                  const channel = supabase.channel(topic)
                  channel.on('postgres_changes', { event: '*', table }, (payload) => show(payload.new)).subscribe()
                  return () => supabase.removeChannel(channel)
                }
                const listenToAll = (table: string) => listen(`all:${table}`, table, (row) => console.log(row.id))
                listenToAll('rooms')
                listenToAll('members')
                """
        },
    )
    assert tables(inventory.channels) == [("all:rooms", "rooms", True), ("all:members", "members", True)]


def test_a_disposer_that_is_thrown_away(tmp_path: Path) -> None:
    """Whoever drops what the helper returns cannot remove its channel."""
    inventory = inventory_in(
        tmp_path,
        {
            "src/live.ts": """\
                import { supabase } from './supabase'
                export function listen(id) {
                  const channel = supabase.channel(`room:${id}`).subscribe()
                  return () => { supabase.removeChannel(channel) }
                }
                """,
            "src/A.tsx": """\
                import { listen } from './live'
                export function A() {
                  useEffect(() => { listen('kept') ; }, [])
                  useEffect(() => listen('returned'), [])
                }
                """,
        },
    )
    removed = {channel.topic.value: bool(channel.removals) for channel in inventory.channels}
    assert removed == {"room:kept": False, "room:returned": True}
    assert all(channel.where.in_effect for channel in inventory.channels)


def test_constants_of_other_files(tmp_path: Path) -> None:
    """By relative names and aliases, through barrels, out of objects and enums."""
    inventory = inventory_in(
        tmp_path,
        {
            "src/constants/index.ts": "export * from './names'\nexport { default as LOBBY } from './lobby'\n",
            "src/constants/names.ts": """\
                export const TABLES = { messages: 'chat_messages', deep: { rooms: 'chat_rooms' } } as const
                export enum Topics { Presence = 'presence' }
                const PREFIX = 'v2'
                export const topic = `${PREFIX}:all`
                """,
            "src/constants/lobby.ts": "export default 'lobby'\n",
            "src/a.ts": """\
                import { TABLES, Topics, topic as all, LOBBY } from '@/constants'
                import * as names from './constants/names'
                supabase.channel(all).on('postgres_changes', { table: TABLES.messages }, show).subscribe()
                supabase.channel(LOBBY).on('postgres_changes', { table: TABLES.deep.rooms }, show).subscribe()
                supabase.channel(Topics.Presence).on('postgres_changes', { table: names.TABLES.messages }, show)
                supabase.channel(missing.name).on('postgres_changes', { table: TABLES.unknown }, show)
                """,
        },
    )
    assert tables(inventory.channels) == [
        ("v2:all", "chat_messages", True),
        ("lobby", "chat_rooms", True),
        ("presence", "chat_messages", True),
        ("{missing.name}", "{TABLES.unknown}", False),
    ]


def test_components_in_lists(tmp_path: Path) -> None:
    """A file that only shows a component that makes channels is read, too."""
    inventory = inventory_in(
        tmp_path,
        {
            "src/Row.tsx": "export function Row({ id }) { useEffect(() => { supabase.channel(id).subscribe() }, []) }",
            "src/List.tsx": "export const List = ({ rows }) => <ul>{rows.map((row) => <Row key={row.id} />)}</ul>",
            "src/Cell.vue": "<script setup>\nconst c = supabase.channel('cell').subscribe()\n</script>\n",
            "src/Grid.vue": '<template>\n<Cell v-for="cell in cells" :key="cell" />\n</template>\n',
        },
    )
    loops = {
        (each.component, loop.name)
        for file in inventory.files
        for each in file.rendered
        if (loop := each.where.in_loop) is not None
    }
    assert loops == {("Row", "rows"), ("Cell", "cells")}


def test_callbacks_by_event_in_a_ref(tmp_path: Path) -> None:
    """A hook that keeps its callbacks in a ref and calls one for each event; those left out do nothing."""
    inventory = inventory_in(
        tmp_path,
        {
            "src/useRows.ts": """\
                export function useRows({ table, onInsert, onUpdate, onDelete }: Options) {
                  const callbacks = useRef({ onInsert, onUpdate, onDelete })
                  const channelRef = useRef<RealtimeChannel | null>(null)
                  const reconnect = useCallback(async () => {
                    if (channelRef.current) await supabase.removeChannel(channelRef.current)
                    await setup()
                  }, [])
                  const setup = useCallback(async () => {
                    channelRef.current = supabase
                      .channel(`rows-${table}`)
                      .on('postgres_changes', { event: '*', schema: 'public', table }, (payload) => {
                        switch (payload.eventType) {
                          case 'INSERT': callbacks.current.onInsert?.(payload.new); break
                          case 'UPDATE': callbacks.current.onUpdate?.(payload.new); break
                          case 'DELETE': callbacks.current.onDelete?.(payload.old); break
                        }
                      })
                      .subscribe((status) => { if (status === 'CHANNEL_ERROR') setTimeout(() => reconnect(), 5000) })
                  }, [table, reconnect])
                  useEffect(() => {
                    setup()
                    return () => { if (channelRef.current) supabase.removeChannel(channelRef.current) }
                  }, [table, setup])
                }
                """,
            "src/A.tsx": """\
                import { useRows } from './useRows'
                export function A() {
                  useRows({
                    table: 'messages',
                    onInsert: (row) => setMessages((all) => [...all, { id: row.id, body: row.body }]),
                    onDelete: (row) => setMessages((all) => all.filter((each) => each.id !== row.id)),
                  })
                }
                """,
        },
    )
    (channel,) = inventory.channels
    assert (channel.topic.value, channel.where.in_effect) == ("rows-messages", True)
    assert channel.effect is not None
    assert channel.effect.dependencies is not None
    assert [each.text for each in channel.effect.dependencies] == ["table", "setup"]
    assert [removal.in_cleanup for removal in channel.removals] == [False, True]
    handler = channel.bindings[0].handler
    assert handler is not None
    assert (handler.reads, handler.reads_old, handler.events) == (("id", "body"), ("id",), ("DELETE", "INSERT"))
    assert [(deed.kind, deed.events) for deed in handler.deeds] == [
        ("append_state", ("INSERT",)),
        ("set_state", ("DELETE",)),
    ]
    assert handler.complete


def test_handlers_of_other_files(tmp_path: Path) -> None:
    """A handler that is imported is what it does there, whether that file mentions Supabase or not."""
    inventory = inventory_in(
        tmp_path,
        {
            "src/handlers.ts": """\
                import { toast } from 'sonner'
                export const onInsert = (payload) => { toast.success(payload.new.title) }
                export default function onAny({ eventType, old }) { if (eventType === 'DELETE') drop(old.id) }
                """,
            "src/a.ts": """\
                import onAny, { onInsert } from './handlers'
                supabase.channel('x')
                  .on('postgres_changes', { event: 'INSERT', table: 'a' }, onInsert)
                  .on('postgres_changes', { event: '*', table: 'a' }, onAny)
                  .on('postgres_changes', { event: '*', table: 'a' }, missing)
                  .subscribe()
                """,
        },
    )
    insert, anything, missing = (binding.handler for binding in inventory.channels[0].bindings)
    assert insert is not None
    assert (insert.reads, insert.complete, insert.place.path) == (("title",), True, "src/handlers.ts")
    assert anything is not None
    assert (anything.reads_old, anything.events) == (("id",), ("DELETE",))
    assert missing is not None
    assert not missing.complete
