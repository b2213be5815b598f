"""What is read of Dart: supabase_flutter."""

from __future__ import annotations

from helpers.review.code.chained.reading import read

SCREEN = r"""
import 'package:supabase_flutter/supabase_flutter.dart';

const table = 'messages';

class _RoomState extends State<Room> {
  RealtimeChannel? _channel;

  @override
  void initState() {
    super.initState();
    _channel = supabase
        .channel('room:${widget.room.id}', opts: const RealtimeChannelConfig(private: true))
        .onPostgresChanges(
          event: PostgresChangeEvent.insert,
          schema: 'public',
          table: table,
          filter: PostgresChangeFilter(
            type: PostgresChangeFilterType.eq,
            column: 'room_id',
            value: widget.room.id,
          ),
          callback: (payload) {
            final row = payload.newRecord;
            if (row['author'] != widget.author) return;
            setState(() => messages.add(row['body']));
          },
        )
        .onBroadcast(event: 'typing', callback: _typed)
        .subscribe((status, error) {
          if (status == RealtimeSubscribeStatus.subscribed) load();
        });
  }

  void _typed(Map<String, dynamic> payload) {}

  @override
  void dispose() {
    supabase.removeChannel(_channel!);
    super.dispose();
  }

  Stream<List<Map<String, dynamic>>> rooms(String team) =>
      supabase.from('rooms').stream(primaryKey: ['id']).eq('team_id', team).order('name');
}
"""


def test_a_widget_subscribes_and_disposes() -> None:
    """The state's life is the effect; what dispose does is its clean-up."""
    channel, _ = read("lib/room.dart", SCREEN).facts.channels
    assert (str(channel.topic), channel.topic.exact, channel.private) == ("room:{widget.room.id}", False, True)
    assert (channel.client, channel.variable, channel.created.line) == ("supabase", "_channel", 13)
    assert channel.effect is not None and (channel.effect.name, channel.effect.cleanup) == ("initState", True)
    assert channel.subscribed is not None and channel.subscribed.line == 30
    assert (channel.status_callback, channel.handles, channel.forwards_status) == (True, ("SUBSCRIBED",), False)
    assert [(each.how, each.in_cleanup) for each in channel.removals] == [("removeChannel", True)]


def test_bindings_say_what_the_server_is_sent() -> None:
    """The library's classes come to the words of the protocol."""
    changes, broadcast = read("lib/room.dart", SCREEN).facts.channels[0].bindings
    assert (str(changes.event), str(changes.schema), str(changes.table)) == ("INSERT", "public", "messages")
    assert (str(changes.filter), changes.place.line) == ("room_id=eq.{widget.room.id}", 14)
    assert (broadcast.kind, str(broadcast.event)) == ("broadcast", "typing")
    assert broadcast.handler is not None and broadcast.handler.name == "_typed"
    handler = changes.handler
    assert handler is not None and (handler.payload_name, handler.reads) == ("payload", ("author", "body"))
    (guard,) = handler.comparisons
    assert (guard.column, guard.operator, str(guard.other), guard.guards) == ("author", "===", "{widget.author}", True)


def test_a_stream_listens_to_a_table() -> None:
    """With its first condition as the filter."""
    _, stream = read("lib/room.dart", SCREEN).facts.channels
    (changes,) = stream.bindings
    assert (str(changes.event), str(changes.table), str(changes.filter)) == ("*", "rooms", "team_id=eq.{team}")
    assert (stream.subscribed, stream.escapes) == (None, "passed")


def test_the_first_version_of_the_library_is_read() -> None:
    """With texts that are put together."""
    text = """
Future<void> listen(String room) async {
  final channel = supabase.channel('public:' + room);
  channel.on(RealtimeListenTypes.postgresChanges, ChannelFilter(event: 'INSERT', schema: 'public', table: 'rooms',
      filter: 'id=eq.' + room), (payload, [ref]) { reload(); }).subscribe();
}
"""
    (channel,) = read("lib/listen.dart", text).facts.channels
    (changes,) = channel.bindings
    assert str(channel.topic) == "public:{room}"
    assert [str(each) for each in (changes.event, changes.schema, changes.table, changes.filter)] == [
        "INSERT",
        "public",
        "rooms",
        "id=eq.{room}",
    ]
    assert (channel.subscribed is not None, channel.status_callback) == (True, False)


def test_a_channel_is_known_by_its_second_name_and_when_it_is_given_back() -> None:
    """A field that is given the variable, and a chain that is returned."""
    text = """
import 'package:supabase_flutter/supabase_flutter.dart';
class Alerts {
  RealtimeChannel? _shown;
  void show() {
    final channel = client.channel('alerts');
    channel.subscribe();
    _shown = channel;
  }
  void stop() { _shown?.unsubscribe(); }
  static RealtimeChannel made(int user) {
    return client.channel('user:$user').subscribe();
  }
}
"""
    alerts, made = read("lib/alerts.dart", text).facts.channels
    assert ([each.how for each in alerts.removals], alerts.escapes) == (["unsubscribe"], "")
    assert (str(made.topic), made.removals, made.escapes) == ("user:{user}", (), "returned")
