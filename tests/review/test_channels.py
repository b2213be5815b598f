"""Channels of supabase-js as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.review.inventory import Channel
from tests.review.code import binding_of, channel_of, inventory_in

CHANGES = "'postgres_changes', { event: 'INSERT', schema: 'public', table: 'messages' }, show"


def kinds(channel: Channel) -> list[str]:
    return [binding.kind for binding in channel.bindings]


def test_a_chain(tmp_path: Path) -> None:
    """All that is chained onto `channel` belongs to it, in order, each at its own word."""
    channel = channel_of(
        tmp_path,
        """\
        export function Chat({ roomId }) {
          useEffect(() => {
            const channel = supabase
              .channel(`room:${roomId}`, { config: { private: true, broadcast: { self: true } } })
              .on('postgres_changes', { event: '*', table: 'messages', filter: `room_id=eq.${roomId}` }, show)
              .on('broadcast', { event: 'typing' }, show)
              .on('presence', { event: 'sync' }, show)
              .subscribe((status) => setLive(status === 'SUBSCRIBED'))
            return () => {
              supabase.removeChannel(channel)
            }
          }, [roomId])
        }
        """,
    )
    assert (channel.topic.value, channel.topic.exact, channel.private) == ("room:{roomId}", False, True)
    assert dict(channel.config)["broadcast.self"].value == "true"
    assert kinds(channel) == ["postgres_changes", "broadcast", "presence"]
    assert [binding.place.line for binding in channel.bindings] == [5, 6, 7]
    changes = channel.bindings[0]
    assert changes.filter is not None
    assert (changes.filter.value, changes.filter.exact) == ("room_id=eq.{roomId}", False)
    assert changes.table is not None
    assert changes.table.value == "messages"
    assert channel.created.line == 4
    assert channel.subscribed is not None
    assert channel.subscribed.line == 8
    assert channel.where.component == "Chat"
    assert channel.where.in_effect
    assert channel.effect is not None
    assert channel.effect.cleanup
    assert [(removal.how, removal.in_cleanup) for removal in channel.removals] == [("removeChannel", True)]
    assert (channel.status_callback, channel.handles, channel.forwards_status) == (True, ("SUBSCRIBED",), True)


HOLDERS = {
    "variables": """
        const base = supabase.channel('room')
        const withChanges = base.on({changes})
        const channel = withChanges.subscribe()
        return () => supabase.removeChannel(channel)""",
    "statements": """
        const channel = supabase.channel('room')
        channel.on({changes})
        channel.subscribe()
        return () => channel.unsubscribe()""",
    "assigned later": """
        let channel = null
        channel = supabase.channel('room').on({changes})
        channel?.subscribe()
        return () => { if (channel) supabase.removeChannel(channel) }""",
    "a ref": """
        ref.current = supabase.channel('room').on({changes})
        ref.current!.subscribe()
        return () => { if (ref.current) supabase.removeChannel(ref.current) }""",
    "a ref that a cast empties": """
        const made = supabase.channel('room')
        ref.current = made as RealtimeChannel
        ref.current.on({changes}).subscribe()
        return () => { supabase.removeChannel(made) }""",
    "a list": """
        const channels: RealtimeChannel[] = []
        channels.push(supabase.channel('room').on({changes}).subscribe())
        return () => channels.forEach((each) => supabase.removeChannel(each))""",
    "a list of literals": """
        const one = supabase.channel('room').on({changes}).subscribe()
        return () => { [one].forEach((each) => { void supabase.removeChannel(each) }) }""",
    "a state": """
        setChannel(supabase.channel('room').on({changes}).subscribe())
        return () => { channel.unsubscribe() }""",
    "a local function": """
        const open = () => supabase.channel('room').on({changes})
        const channel = open().subscribe()
        return () => { supabase.removeChannel(channel) }""",
    "a parameter": """
        const listen = (channel: RealtimeChannel) => channel.on({changes}).subscribe()
        const channel = supabase.channel('room')
        listen(channel)
        return () => { supabase.removeChannel(channel) }""",
    "a loop over all": """
        const channels = [supabase.channel('room').on({changes}).subscribe()]
        return () => { for (const each of channels) supabase.removeChannel(each) }""",
    "a cleanup by name": """
        const channel = supabase.channel('room').on({changes}).subscribe()
        const stop = () => { supabase.removeChannel(channel) }
        return stop""",
    "all at once": """
        supabase.channel('room').on({changes}).subscribe()
        return () => { supabase.removeAllChannels() }""",
    "after await": """
        let channel: RealtimeChannel
        const start = async () => {
          const { data } = await supabase.auth.getUser()
          channel = supabase.channel('room').on({changes})
          await channel.subscribe()
        }
        start()
        return () => { supabase.removeChannel(channel) }""",
}


@pytest.mark.parametrize("name", HOLDERS)
def test_wherever_a_channel_is_held(tmp_path: Path, name: str) -> None:
    """Its bindings, its subscription and its removal are found through whatever holds it."""
    body = HOLDERS[name].replace("{changes}", CHANGES)
    channel = channel_of(
        tmp_path,
        f"""\
        import {{ supabase }} from '../lib/supabase'
        export function Chat() {{
          const ref = useRef<RealtimeChannel | null>(null)
          const [channel, setChannel] = useState(null)
          useEffect(() => {{{body}
          }}, [])
        }}
        """,
    )
    assert kinds(channel) == ["postgres_changes"]
    assert channel.subscribed is not None
    assert [removal.in_cleanup for removal in channel.removals] == [True]
    assert channel.where.in_effect
    assert channel.escapes == ""


def test_a_channel_that_is_forgotten(tmp_path: Path) -> None:
    """Without any removal there is none, and it escapes nowhere."""
    channel = channel_of(
        tmp_path, "export function Chat() { useEffect(() => { supabase.channel('room').subscribe() }, []) }"
    )
    assert (channel.removals, channel.escapes) == ((), "")
    assert channel.effect is not None
    assert not channel.effect.cleanup


def test_a_channel_that_is_handed_out(tmp_path: Path) -> None:
    """What a hook returns may be removed by others."""
    channel = channel_of(
        tmp_path,
        "export function useRoom() { const channel = useMemo(() => supabase.channel('room'), []); return { channel } }",
        "src/useRoom.ts",
    )
    assert channel.escapes == "returned"
    assert channel.where.scopes[-1].kind == "memo"


def test_a_class_holds_its_channel_in_a_field(tmp_path: Path) -> None:
    """Angular: made in ngOnInit, removed in ngOnDestroy."""
    channel = channel_of(
        tmp_path,
        """\
        import { RealtimeChannel } from '@supabase/supabase-js'
        export class Tickets {
          private channel?: RealtimeChannel
          ngOnInit() {
            this.channel = this.supabase.client.channel('tickets')
            this.channel.on('broadcast', { event: 'new' }, () => this.load()).subscribe()
          }
          ngOnDestroy() { if (this.channel) this.supabase.client.removeChannel(this.channel) }
        }
        """,
        "src/tickets.component.ts",
    )
    assert kinds(channel) == ["broadcast"]
    assert channel.where.in_effect
    assert channel.variable == "this.channel"
    assert [removal.in_cleanup for removal in channel.removals] == [True]


def test_vue_and_svelte(tmp_path: Path) -> None:
    """Their scripts are read at the lines where they stand, their components are the files."""
    inventory = inventory_in(
        tmp_path,
        {
            "src/Room.vue": """\
                <template><p>{{ count }}</p></template>
                <script setup lang="ts">
                import { supabase } from '@/supabase'
                const count = ref(0)
                let channel: RealtimeChannel
                onMounted(() => {
                  channel = supabase.channel('vue').on('broadcast', { event: 'x' }, () => { count.value = 1 })
                  channel.subscribe()
                })
                onUnmounted(() => supabase.removeChannel(channel))
                </script>
                """,
            "src/Room.svelte": """\
                <script lang="ts">
                  import { supabase } from '$lib/supabase'
                  let rows = []
                  const channel = supabase
                    .channel('svelte')
                    .on('broadcast', { event: 'x' }, ({ payload }) => { rows = [...rows, payload] })
                    .subscribe()
                  onDestroy(() => { supabase.removeChannel(channel) })
                </script>
                <p>{rows.length}</p>
                """,
        },
    )
    svelte, vue = inventory.channels
    assert (vue.created.line, svelte.created.line) == (7, 5)
    assert vue.where.component == svelte.where.component == "Room"
    assert vue.where.in_effect
    assert not svelte.where.in_effect
    assert all(removal.in_cleanup for channel in (vue, svelte) for removal in channel.removals)
    assert [len(channel.removals) for channel in (vue, svelte)] == [1, 1]
    assert [deed.kind for deed in vue.bindings[0].handler.deeds] == ["set_state"]  # type: ignore[union-attr]
    assert [deed.kind for deed in svelte.bindings[0].handler.deeds] == ["append_state"]  # type: ignore[union-attr]


TEXTS = {
    "'room'": ("room", True),
    "`room`": ("room", True),
    "TOPIC": ("lobby", True),
    "TOPICS.chat": ("chat-room", True),
    "Topic.Chat": ("enum-chat", True),
    "`${TOPIC}:${roomId}`": ("lobby:{roomId}", False),
    "'room:' + roomId": ("room:{roomId}", False),
    "['room', roomId].join(':')": ("room:{roomId}", False),
    "topicOf(roomId)": ("topic/{roomId}", False),
    "`user:${session?.user?.id}`": ("user:{session.user.id}", False),
    "wide ? 'all' : 'all'": ("all", True),
    "anything()": ("{anything()}", False),
    "`room:${String(roomId)}`": ("room:{roomId}", False),
}


@pytest.mark.parametrize("topic", TEXTS)
def test_topics(tmp_path: Path, topic: str) -> None:
    """Constants, templates and functions that put texts together are resolved; what is computed stays a hole."""
    channel = channel_of(
        tmp_path,
        f"""\
        const TOPIC = 'lobby'
        const TOPICS = {{ chat: 'chat-room' }} as const
        enum Topic {{ Chat = 'enum-chat' }}
        const topicOf = (id: string) => `topic/${{id}}`
        export function Chat({{ roomId, session, wide }}: Props) {{
          useEffect(() => {{ supabase.channel({topic}).subscribe() }}, [])
        }}
        """,
    )
    assert (channel.topic.value, channel.topic.exact) == TEXTS[topic]


OPTIONS = {
    "{ event: 'UPDATE', schema: 'public', table: 'tasks' }": ("UPDATE", "tasks", None),
    "{ event: 'UPDATE', schema: 'public', table: 'tasks' } as any": ("UPDATE", "tasks", None),
    "options": ("INSERT", "built", "id=eq.{id}"),
    "{ ...options, event: 'DELETE' }": ("DELETE", "built", "id=eq.{id}"),
    "{ schema: 'public', table: TABLE }": ("*", "constant", None),
    "{ event: '*', schema: 'public', table, filter }": ("*", "{table}", "{filter}"),
    "{ event: '*', table: 'a', ...(id ? { filter: `id=eq.${id}` } : {}) }": ("*", "a", "id=eq.{id}"),
    "{ event: '*', table: 'a', filter: id ? `id=eq.${id}` : undefined }": ("*", "a", "id=eq.{id}"),
    "{ event: '*', table: 'a', filter: undefined }": ("*", "a", None),
    "{ event: REALTIME_POSTGRES_CHANGES_LISTEN_EVENT.ALL, table: 'a' }": ("*", "a", None),
}


@pytest.mark.parametrize("options", OPTIONS)
def test_options(tmp_path: Path, options: str) -> None:
    """Options are read wherever they are built."""
    binding = binding_of(
        tmp_path,
        f"""\
        import {{ REALTIME_POSTGRES_CHANGES_LISTEN_EVENT }} from '@supabase/supabase-js'
        const TABLE = 'constant'
        export function Chat({{ id, table, filter }}) {{
          const options = {{ event: 'INSERT', schema: 'public', table: 'built', filter: `id=eq.${{id}}` }}
          useEffect(() => {{
            supabase.channel('x').on<Row>('postgres_changes', {options}, (payload) => show(payload)).subscribe()
          }}, [])
        }}
        """,
    )
    event, table, wanted = OPTIONS[options]
    assert binding.event.value == event
    assert binding.table is not None
    assert binding.table.value == table
    assert (binding.filter.value if binding.filter is not None else None) == wanted
    assert binding.handler is not None
    assert binding.handler.casts == ("Row",)


def test_names_of_supabase_js_enums(tmp_path: Path) -> None:
    """REALTIME_LISTEN_TYPES.POSTGRES_CHANGES is a kind."""
    binding = binding_of(
        tmp_path,
        """\
        import { REALTIME_LISTEN_TYPES } from '@supabase/supabase-js'
        supabase.channel('x').on(REALTIME_LISTEN_TYPES.POSTGRES_CHANGES, { event: '*', table: 'a' }, show).subscribe()
        """,
        "src/a.ts",
    )
    assert binding.kind == "postgres_changes"


def test_options_that_grow(tmp_path: Path) -> None:
    """A filter that is assigned to the options later is a pattern, as it may not be."""
    binding = binding_of(
        tmp_path,
        """\
        export function watch(id) {
          const options: any = { event: '*', table: 'a' }
          if (id) options.filter = 'kind=eq.a'
          supabase.channel('x').on('postgres_changes', options, show).subscribe()
        }
        """,
        "src/a.ts",
    )
    assert binding.filter is not None
    assert (binding.filter.value, binding.filter.exact) == ("kind=eq.a", False)


OTHERS = (
    "Echo.channel('orders').listen('Shipped', show)",
    "const channel = pusher.channel('orders'); channel.bind('x', show)",
    "client.channels.cache.get('1'); guild.channel('x').send('hi')",
    "amqp.channel('work').subscribe(show)",
)


@pytest.mark.parametrize("code", OTHERS)
def test_channels_of_others(tmp_path: Path, code: str) -> None:
    """What other libraries call a channel is none, even beside Supabase."""
    assert inventory_in(tmp_path, {"a.ts": f"import {{ supabase }} from './supabase'\n{code}\n"}).channels == ()


def test_a_loop_makes_channels(tmp_path: Path) -> None:
    """What is gone over is named, and counted if it is a constant."""
    inventory = inventory_in(
        tmp_path,
        {
            "a.tsx": """\
            export function Board({ rooms }) {
              useEffect(() => {
                rooms.map((room) => supabase.channel(`room:${room.id}`).subscribe())
                for (let shard = 0; shard < 128; shard++) supabase.channel(`shard:${shard}`).subscribe()
                Array.from({ length: 150 }, (_, index) => supabase.channel(`slot:${index}`).subscribe())
                for (const name of ['a', 'b', 'c']) supabase.channel(`topic:${name}`).subscribe()
              }, [])
            }
            """
        },
    )
    loops = [channel.where.in_loop for channel in inventory.channels]
    assert [(loop.name, loop.times) for loop in loops if loop is not None] == [
        ("rooms", None),
        ("", 128),
        ("{ length: 150 }", 150),
        ("['a', 'b', 'c']", 3),
    ]


def test_render_effect_and_handler(tmp_path: Path) -> None:
    """Where a channel is made tells when."""
    inventory = inventory_in(
        tmp_path,
        {
            "a.tsx": """\
            const early = supabase.channel('module')
            export const Page = memo(function Page() {
              const bare = supabase.channel('render')
              const once = useRef(supabase.channel('ref'))
              const join = () => supabase.channel('effect through a function').subscribe()
              useEffect(() => { join() }, [])
              return <button onClick={() => supabase.channel('handler').subscribe()} />
            })
            """
        },
    )
    by_topic = {channel.topic.value: channel.where for channel in inventory.channels}
    assert by_topic["module"].at_module
    assert [topic for topic, where in by_topic.items() if where.in_render] == ["render"]
    assert [topic for topic, where in by_topic.items() if where.in_effect] == ["effect through a function"]
    assert by_topic["ref"].scopes[-1].name == "useRef"
    handler = by_topic["handler"].in_handler
    assert handler is not None
    assert handler.name == "onClick"


def test_what_an_effect_depends_on(tmp_path: Path) -> None:
    """Literals and functions made in render are unstable; state, refs and memos are stable; props are unknown."""
    channel = channel_of(
        tmp_path,
        """\
        import { createClient } from '@supabase/supabase-js'
        const NAME = 'a'
        export function Chat({ room, tags = [] }) {
          const [open, setOpen] = useState(false)
          const options = { a: 1 }
          const show = () => {}
          const kept = useCallback(() => {}, [])
          const client = createClient(url, key)
          useEffect(() => {
            client.channel('x').on('broadcast', { event: 'a' }, show).subscribe()
          }, [room, tags, open, setOpen, options, show, kept, client, NAME, room.id, { inline: 1 }, room.list.map(f)])
        }
        """,
    )
    assert channel.effect is not None
    assert channel.effect.dependencies is not None
    stable = {each.text: each.stable for each in channel.effect.dependencies}
    assert [text for text, is_stable in stable.items() if is_stable is False] == [
        "tags",
        "options",
        "show",
        "client",
        "{ inline: 1 }",
        "room.list.map(f)",
    ]
    assert [text for text, is_stable in stable.items() if is_stable] == ["open", "setOpen", "kept", "NAME"]


def test_an_effect_without_dependencies(tmp_path: Path) -> None:
    """No array is not an empty one."""
    every = channel_of(tmp_path, "export function A() { useEffect(() => { supabase.channel('x').subscribe() }) }")
    assert every.effect is not None
    assert every.effect.dependencies is None


def test_sends_and_how_often(tmp_path: Path) -> None:
    """Pointer moves, intervals and statuses are seen through the functions between."""
    channel = channel_of(
        tmp_path,
        """\
        export function Cursors() {
          const channel = useMemo(() => supabase.channel('cursors'), [])
          const move = (event) => { channel.send({ type: 'broadcast', event: 'move', payload: { x: event.x } }) }
          const slow = useMemo(() => throttle((at) => channel.track({ at }), 500), [])
          const beat = () => channel.send({ type: 'broadcast', event: 'beat' })
          useEffect(() => {
            channel.subscribe((status) => {
              if (status !== 'SUBSCRIBED') return
              channel.track({ name })
            })
            channel.send({ type: 'broadcast', event: 'hello' })
            const timer = setInterval(beat, 50)
            window.addEventListener('scroll', () => slow(window.scrollY))
            return () => { clearInterval(timer); supabase.removeChannel(channel) }
          }, [])
          return <div onMouseMove={move} />
        }
        """,
    )
    found = {
        (send.kind, send.event.value, send.rate_hint, send.every_ms, send.when, send.timed) for send in channel.sends
    }
    assert found == {
        ("broadcast", "move", "pointer", None, "", ""),
        ("track", "", "scroll", None, "", "throttle"),
        ("track", "", "", None, "subscribed", ""),
        ("broadcast", "hello", "", None, "after_subscribe", ""),
        ("broadcast", "beat", "interval", 50.0, "", ""),
    }


def test_after_subscribe(tmp_path: Path) -> None:
    """A binding and a write below `subscribe()` are told apart from those before."""
    channel = channel_of(
        tmp_path,
        """\
        export async function open() {
          const channel = supabase.channel('x')
          await supabase.from('rooms').insert({ id: 1 })
          channel.on('broadcast', { event: 'a' }, show).subscribe()
          channel.on('broadcast', { event: 'b' }, show)
          await supabase.from('messages').insert({ id: 2 })
          return () => { supabase.from('rooms').delete().eq('id', 1) }
        }
        """,
        "src/a.ts",
    )
    assert [binding.after_subscribe for binding in channel.bindings] == [False, True]
    assert [(deed.kind, deed.target) for deed in channel.deeds_after] == [("table_insert", "messages")]


def test_statuses(tmp_path: Path) -> None:
    """Which statuses a callback names, what it does under each, and whether it passes the status on."""
    channel = channel_of(
        tmp_path,
        """\
        export function Chat() {
          useEffect(() => {
            supabase.channel('x').subscribe(async (status) => {
              if (status === 'SUBSCRIBED') await supabase.from('seen').insert({ id: 1 })
              else if (status === 'CHANNEL_ERROR' || status === 'TIMED_OUT') setFailed(true)
            })
          }, [])
        }
        """,
    )
    assert channel.handles == ("SUBSCRIBED", "CHANNEL_ERROR", "TIMED_OUT")
    assert [(deed.target, deed.events) for deed in channel.status_deeds] == [
        ("seen", ("SUBSCRIBED",)),
        ("setFailed", ("CHANNEL_ERROR", "TIMED_OUT")),
    ]
    assert not channel.forwards_status


CLIENTS = {
    "createClient(url, process.env.NEXT_PUBLIC_SUPABASE_ANON_KEY!)": ("anon", ()),
    "createClient(url, import.meta.env.VITE_SUPABASE_PUBLISHABLE_KEY)": ("publishable", ()),
    "createClient<Database>(url, process.env.SUPABASE_SERVICE_ROLE_KEY as string)": ("service_role", ()),
    "createClient(url, KEY)": ("service_role", ()),
    "createClient(url, 'sb_secret_abcdefghijkl')": ("secret", ()),
    "createClient(url, key)": ("unknown", ()),
    "createBrowserClient(url, key, { realtime: { heartbeatIntervalMs: BEAT, worker: true } })": (
        "unknown",
        (("realtime.heartbeatIntervalMs", "60000"), ("realtime.worker", "true")),
    ),
}


@pytest.mark.parametrize("made", CLIENTS)
def test_clients(tmp_path: Path, made: str) -> None:
    """What a key allows is told by its name, or by its own claims; it is never shown."""
    token = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl"
    code = f"""\
        import {{ createClient }} from '@supabase/supabase-js'
        import {{ createBrowserClient }} from '@supabase/ssr'
        const KEY = '{token}'
        const BEAT = 60 * 1_000
        export const supabase = {made}
        """
    inventory = inventory_in(tmp_path, {"src/client.ts": code})
    (client,) = inventory.files[0].clients
    kind, options = CLIENTS[made]
    assert (client.name, client.key_kind) == ("supabase", kind)
    assert tuple((name, value.value) for name, value in client.options) == options
    assert "c2ln" not in repr(inventory)
    assert "efghij" not in repr(inventory)


def test_clients_and_channels_that_are_no_supabase(tmp_path: Path) -> None:
    """`createClient` of others is none, nor a wrapper of the application's own."""
    code = "import { createClient } from 'redis'\nexport const supabase = createClient({ url })\n"
    assert inventory_in(tmp_path, {"src/a.ts": code}).files[0].clients == ()


def test_where_a_file_runs(tmp_path: Path) -> None:
    """By directive, by what it imports, by its path; else unknown."""
    files = {
        "src/a.tsx": "'use client'\n// supabase",
        "src/b.ts": "'use server'\n// supabase",
        "app/api/x/route.ts": "// supabase",
        "src/c.ts": "import 'server-only'\nimport { cookies } from 'next/headers'\n// supabase",
        "src/d.ts": "// supabase",
        "src/e.vue": "<script setup>\n// supabase\n</script>",
    }
    found = {file.path: file.server for file in inventory_in(tmp_path, files).files}
    assert found == {
        "app/api/x/route.ts": True,
        "src/a.tsx": False,
        "src/b.ts": True,
        "src/c.ts": True,
        "src/d.ts": None,
        "src/e.vue": False,
    }


def test_polls_auth_and_calls(tmp_path: Path) -> None:
    """Intervals with what they read, tokens, and reads and writes of tables and models."""
    (file,) = inventory_in(
        tmp_path,
        {
            "src/a.tsx": """\
            import { supabase } from './supabase'
            export function A({ id }) {
              const load = async () => setRows((await supabase.from('rows').select('id, body').eq('room', id)).data)
              useEffect(() => {
                const timer = setInterval(load, 5 * 1000)
                return () => clearInterval(timer)
              }, [])
              const queryFn = () => prisma.message.findMany({ where: { id } })
              useQuery({ queryKey: ['x'], queryFn, refetchInterval: 3000 })
              supabase.auth.onAuthStateChange((_, session) => supabase.realtime.setAuth(session?.access_token))
              // workbook-ignore full_table, no_status_callback
              const files = supabase.storage.from('avatars').list()
            }
            """
        },
    ).files
    assert [(poll.kind, poll.every_ms, poll.tables) for poll in file.polls] == [
        ("setInterval", 5000, ("rows",)),
        ("refetchInterval", 3000, ("message",)),
    ]
    assert sorted((use.kind, use.argument) for use in file.auth) == [
        ("on_auth_state_change", ""),
        ("set_auth", "session?.access_token"),
    ]
    (table,) = file.table_calls
    assert (table.table.value, table.method, table.select is not None) == ("rows", "select", True)
    assert [(column, operator, value.value) for column, operator, value in table.conditions] == [("room", "eq", "{id}")]
    assert [(call.model, call.method, call.key) for call in file.prisma_calls] == [("message", "findMany", ("id",))]
    assert [ignore.rules for ignore in file.ignores] == [("full_table", "no_status_callback")]


def test_options_of_vue(tmp_path: Path) -> None:
    """`mounted`, `beforeUnmount` and the methods of an options object."""
    channel = channel_of(
        tmp_path,
        """\
        <template><input @input="typing" /></template>
        <script>
        export default {
          mounted() {
            this.channel = supabase.channel('room').on('broadcast', { event: 'x' }, this.add).subscribe()
          },
          beforeUnmount() { supabase.removeChannel(this.channel) },
          methods: {
            add({ payload }) { this.rows.push(payload) },
            typing() { this.channel.send({ type: 'broadcast', event: 'typing' }) },
          },
        }
        </script>
        """,
        "src/Room.vue",
    )
    assert [removal.in_cleanup for removal in channel.removals] == [True]
    assert channel.where.in_effect
    assert [(send.event.value, send.rate_hint) for send in channel.sends] == [("typing", "key")]
    handler = channel.bindings[0].handler
    assert handler is not None
    assert [deed.kind for deed in handler.deeds] == ["append_state"]


def test_a_store_and_a_manager(tmp_path: Path) -> None:
    """Channels in a store's closure and in a map of a class."""
    inventory = inventory_in(
        tmp_path,
        {
            "src/store.ts": """\
                let channel = null
                export const useStore = create((set) => ({
                  connect: (id) => {
                    const add = ({ new: row }) => set((state) => ({ rows: [...state.rows, row] }))
                    channel = supabase.channel(`store:${id}`)
                    channel.on('postgres_changes', { event: '*', table: 'rows' }, add).subscribe()
                  },
                  disconnect: () => { if (channel) supabase.removeChannel(channel) },
                }))
                """,
            "src/manager.ts": """\
                class Manager {
                  private channels = new Map<string, RealtimeChannel>()
                  open(name: string) {
                    const channel = supabase.channel(name).subscribe()
                    this.channels.set(name, channel)
                    return () => this.close(name)
                  }
                  close(name: string) {
                    const channel = this.channels.get(name)
                    if (channel) supabase.removeChannel(channel)
                  }
                }
                export const manager = new Manager()
                manager.open('lobby')
                """,
        },
    )
    manager, store = inventory.channels
    assert manager.topic.value == "lobby"
    assert [removal.how for removal in manager.removals] == ["removeChannel"]
    assert [removal.how for removal in store.removals] == ["removeChannel"]
    assert (manager.escapes, store.escapes) == ("", "")
    handler = store.bindings[0].handler
    assert handler is not None
    assert ([deed.kind for deed in handler.deeds], handler.complete) == (["append_state"], True)


def test_a_channel_in_a_promise(tmp_path: Path) -> None:
    """What a promise's executor returns goes nowhere."""
    code = "async function main() { const c = supabase.channel('a'); await new Promise((go) => c.subscribe(go)) }"
    channel = channel_of(tmp_path, code, "src/a.js")
    assert (channel.escapes, channel.status_callback, channel.forwards_status) == ("", True, True)


def test_a_dependency_is_no_escape(tmp_path: Path) -> None:
    """A channel among the dependencies of effects and callbacks goes nowhere."""
    channel = channel_of(
        tmp_path,
        """\
        export function Typing({ id }) {
          const [channel] = useState(() => supabase.channel(`typing-${id}`))
          useEffect(() => {
            channel.on('broadcast', { event: 'typing' }, show).subscribe()
            return () => void supabase.removeChannel(channel)
          }, [channel])
          const tell = useCallback(throttle(() => channel.track({ at: 1 }), 1000), [channel])
        }
        """,
    )
    assert channel.escapes == ""
    assert [send.timed for send in channel.sends] == ["throttle"]
    assert [removal.in_cleanup for removal in channel.removals] == [True]
