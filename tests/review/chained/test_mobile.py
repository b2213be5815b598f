"""What is read of Swift and Kotlin: supabase-swift and supabase-kt."""

from __future__ import annotations

from helpers.review.code.chained.reading import read
from helpers.review.inventory import FileFacts

SWIFT = r"""
import Supabase

final class RoomModel: ObservableObject {
  private var channel: RealtimeChannelV2?

  func start() async throws {
    let channel = supabase.channel("room:\(room.id)") { $0.isPrivate = true }
    self.channel = channel
    let inserts = channel.postgresChange(InsertAction.self, schema: "public", table: "messages",
                                         filter: .eq("room_id", value: room.id))
    let typing = channel.broadcastStream(event: "typing")
    channel.onPostgresChange(AnyAction.self, table: "rooms", filter: "id=eq.1") { change in show(change) }
    try await channel.subscribeWithError()
    await channel.broadcast(event: "hello", message: ["a": 1])
    for await insert in inserts { add(insert) }
  }

  deinit { Task { await supabase.removeChannel(channel!) } }
}
"""

KOTLIN = """
import io.github.jan.supabase.realtime.*

class RoomViewModel(private val supabase: SupabaseClient) : ViewModel() {
    private val channel = supabase.channel("room:$roomId") { isPrivate = true }

    fun start() {
        val inserts = channel.postgresChangeFlow<PostgresAction.Insert>(schema = "public") {
            table = "messages"
            filter("room_id", FilterOperator.EQ, roomId)
        }
        val all = channel.postgresChangeFlow<PostgresAction>("public") { table = "rooms"; filter = "id=eq.1" }
        inserts.onEach { add(it) }.launchIn(viewModelScope)
        viewModelScope.launch {
            channel.subscribe()
            channel.broadcast(event = "hello", message = buildJsonObject { })
        }
    }

    override fun onCleared() {
        viewModelScope.launch { supabase.realtime.removeChannel(channel) }
    }
}
"""


def facts(path: str, text: str) -> FileFacts:
    found = read(path, text).facts
    assert found.errors == ()
    return found


def shown(found: FileFacts) -> list[tuple[str, str, str, str, str]]:
    (channel,) = found.channels
    return [(b.kind, str(b.event), str(b.schema), str(b.table), str(b.filter)) for b in channel.bindings]


def test_swift_is_read() -> None:
    """Streams and callbacks, filters as text and as calls, what deinit does."""
    found = facts("Sources/RoomModel.swift", SWIFT)
    (channel,) = found.channels
    assert (str(channel.topic), channel.private, channel.client) == ("room:{room.id}", True, "supabase")
    assert shown(found) == [
        ("postgres_changes", "INSERT", "public", "messages", "room_id=eq.{room.id}"),
        ("broadcast", "typing", "None", "None", "None"),
        ("postgres_changes", "*", "public", "rooms", "id=eq.1"),
    ]
    assert channel.subscribed is not None and channel.subscribed.line == 14
    assert [(each.kind, str(each.event)) for each in channel.sends] == [("broadcast", "hello")]
    assert [(each.how, each.in_cleanup) for each in channel.removals] == [("removeChannel", True)]
    assert [scope.kind for scope in channel.where.scopes] == ["module", "class", "method"]


def test_kotlin_is_read() -> None:
    """Flows with their types and blocks, what onCleared does."""
    found = facts("app/RoomViewModel.kt", KOTLIN)
    (channel,) = found.channels
    assert (str(channel.topic), channel.private, channel.variable) == ("room:{roomId}", True, "channel")
    assert shown(found) == [
        ("postgres_changes", "INSERT", "public", "messages", "room_id=eq.{roomId}"),
        ("postgres_changes", "*", "public", "rooms", "id=eq.1"),
    ]
    assert channel.subscribed is not None and channel.subscribed.line == 15
    assert [(each.kind, str(each.event)) for each in channel.sends] == [("broadcast", "hello")]
    assert [(each.how, each.in_cleanup) for each in channel.removals] == [("removeChannel", True)]
