"""What is read of Python: supabase-py, realtime-py, Prisma Client Python."""

from __future__ import annotations

from helpers.review.code.chained.reading import read
from helpers.review.inventory import FileFacts

WORKER = """
import asyncio
from supabase import acreate_client
from prisma import Prisma

TABLE = "orders"

class Listener:
    def __init__(self, room):
        self.room = room

    async def start(self):
        self.client = await acreate_client(URL, os.environ["SUPABASE_SERVICE_ROLE_KEY"])
        self.channel = self.client.channel(f"room:{self.room}", {"config": {"private": True}})
        await (
            self.channel
            .on_postgres_changes(
                "UPDATE", schema="public", table=TABLE, filter=f"room_id=eq.{self.room}", callback=self.changed
            )
            .on_broadcast("typing", self.typed)
            .on_presence_sync(lambda: print("sync"))
            .subscribe(self.status)
        )
        await self.channel.send_broadcast("hello", {"a": 1})
        await self.channel.track({"a": 1})

    def changed(self, payload):
        data = payload["data"]
        record = data["record"]
        if record["kind"] != self.room.kind:
            return
        show(record["id"], record.get("title", ""), data["old_record"]["id"])

    def typed(self, payload):
        pass

    def status(self, status, error):
        if status == RealtimeSubscribeStates.SUBSCRIBED:
            print("there")

    async def stop(self):
        await self.client.remove_channel(self.channel)  # workbook-ignore some_rule

async def history(client, db, room):
    await client.table("orders").select("id, title").eq("room_id", room).execute()
    await db.order.find_many(where={"roomId": room})
"""


def facts(text: str) -> FileFacts:
    return read("worker/listen.py", f"{text}# realtime\n").facts


def test_a_channel_is_followed_through_an_attribute() -> None:
    """Made in one statement, bound and subscribed in another, removed in another method."""
    (channel,) = facts(WORKER).channels
    assert (str(channel.topic), channel.topic.exact, channel.private) == ("room:{self.room}", False, True)
    assert (channel.client, channel.variable, channel.created.line) == ("self.client", "self.channel", 14)
    assert channel.subscribed is not None and channel.subscribed.line == 22
    assert (channel.status_callback, channel.handles, channel.forwards_status) == (True, ("SUBSCRIBED",), False)
    assert [(each.how, each.in_cleanup, each.place.line) for each in channel.removals] == [("removeChannel", True, 42)]
    assert [(each.kind, str(each.event)) for each in channel.sends] == [("broadcast", "hello"), ("track", "")]
    assert [scope.kind for scope in channel.where.scopes] == ["module", "class", "method"]


def test_bindings_have_constants_and_holes() -> None:
    """Names of constants are looked up, what is computed stands in braces."""
    changes, broadcast, presence = facts(WORKER).channels[0].bindings
    assert (str(changes.event), str(changes.schema), str(changes.table)) == ("UPDATE", "public", "orders")
    assert (str(changes.filter), changes.place.line) == ("room_id=eq.{self.room}", 17)
    assert (broadcast.kind, str(broadcast.event)) == ("broadcast", "typing")
    assert (presence.kind, str(presence.event)) == ("presence", "sync")


def test_a_handler_tells_what_it_reads_and_what_it_drops() -> None:
    """Through names that are bound to the data, to the record and to its columns."""
    handler = facts(WORKER).channels[0].bindings[0].handler
    assert handler is not None
    assert (handler.payload_name, handler.reads, handler.reads_old) == ("payload", ("kind", "id", "title"), ("id",))
    (guard,) = handler.comparisons
    assert (guard.column, guard.operator, str(guard.other)) == ("kind", "===", "{self.room.kind}")
    assert (guard.guards, guard.outside, guard.place.line) == (True, True, 30)


def test_a_row_that_goes_on_is_read_as_a_whole() -> None:
    """Then nothing is known of the columns that are needed."""
    handler = 'def f(payload):\n    keep(payload["data"]["record"])\n'
    text = f'{handler}c.channel("a").on_postgres_changes("*", f, table="t")\n'
    (binding,) = facts(text).channels[0].bindings
    assert binding.handler is not None and binding.handler.reads == ("*",)


def test_clients_and_calls_are_found() -> None:
    """With the kind of key, the table's conditions and the model's fields."""
    found = facts(WORKER)
    (client,) = found.clients
    assert (client.name, client.maker, client.key_kind, client.is_server_file) == (
        "self.client",
        "acreate_client",
        "service_role",
        True,
    )
    (call,) = found.table_calls
    assert (str(call.table), call.method, str(call.select)) == ("orders", "select", "id, title")
    assert [(column, operator, str(value)) for column, operator, value in call.conditions] == [
        ("room_id", "eq", "{room}")
    ]
    (prisma,) = found.prisma_calls
    assert (prisma.model, prisma.method, prisma.key) == ("order", "findMany", ("roomId",))
    assert [(each.line, each.rules) for each in found.ignores] == [(42, ("some_rule",))]


def test_a_loop_tells_how_often() -> None:
    """By a number, or the name of one."""
    text = "N = 150\nfor i in range(N):\n    c.channel(f'sensor:{i}').subscribe(lambda s, e: log(s, e))\n"
    (channel,) = facts(text).channels
    loop = channel.where.in_loop
    assert loop is not None and loop.times == 150
    assert (str(channel.topic), channel.status_callback, channel.forwards_status) == ("sensor:{i}", True, True)


def test_two_functions_may_use_the_same_name() -> None:
    """Each removes its own."""
    one = "async def {0}(c):\n    ch = c.channel('{0}')\n    await ch.subscribe()\n    {1}\n"
    text = one.format("a", "await c.remove_channel(ch)") + one.format("b", "return ch")
    first, second = facts(text).channels
    assert (len(first.removals), first.escapes, len(second.removals), second.escapes) == (1, "", 0, "returned")


def test_broken_code_is_read_as_far_as_it_goes() -> None:
    """The place of the fault is told."""
    found = facts("ch = c.channel('a').subscribe()\ndef f(:\n")
    assert len(found.channels) == 1 and found.errors


def test_other_libraries_channels_are_none() -> None:
    """A message queue's channel is not Supabase's."""
    assert read("queue.py", "ch = connection.channel(1)\nch.subscribe(f)\n").facts.channels == ()
