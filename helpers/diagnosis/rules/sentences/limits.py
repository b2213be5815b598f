"""What the server says when a quota is used up."""

from __future__ import annotations

from helpers.diagnosis.evidence import Place
from helpers.diagnosis.rules.sentences.answer import Answer

__all__ = ["ANSWERS"]

QUOTAS = "https://supabase.com/docs/guides/realtime/limits"
QUIET = "Run the application for a minute: the sentence does not come again."

ANSWERS = (
    Answer(
        id="too_many_users",
        title="There is room for one more client",
        words=r"Too many connected users|\bConnectionRateLimitReached",
        cause="As many clients are connected to $host as its quota allows",
        fix="Open one connection for each client (one createClient for the whole page), close it when the page "
        "hides, or "
        "raise the quota:",
        tenant={"max_concurrent_users": 500},
        dashboard="“Max concurrent clients”, within the plan (200 on Free, 500 on Pro)",
        symptom="New visitors get HTTP 429 or CHANNEL_ERROR, those who are there do not notice.",
        why="Every open socket that has joined a channel counts, tabs in the background and clients on servers too.",
        verify="Diagnose again: the upgrade is granted and the join is answered with ok.",
        source=QUOTAS,
    ),
    Answer(
        id="too_many_joins",
        title="Channels are joined at a moderate rate",
        words="Too many joins per second|ClientJoinRateLimitReached|JoinsRateLimitReached",
        cause="The clients of $host join channels faster than its quota allows; the server then ends their sockets",
        fix="""\
// one join for each mount, and none for each render:
useEffect(() => {
  const channel = supabase.channel(topic).on(/* … */).subscribe()
  return () => { supabase.removeChannel(channel) }
}, [topic])
// after an outage let clients come back at random moments; or raise the quota:""",
        tenant={"max_joins_per_second": 500},
        dashboard="“Max channel joins per second”, within the plan",
        symptom="CHANNEL_ERROR, then the whole socket closes with code 1001 and all its channels rejoin.",
        why="Usually a component that subscribes on each render, or all clients that rejoin at the same moment.",
        verify=QUIET,
        source=QUOTAS,
        notes=(10, 11, 12),
    ),
    Answer(
        id="too_many_channels",
        title="No socket has too many channels",
        words="ChannelRateLimitReached|Too many channels",
        cause="One socket has joined as many channels as it may: channels are not removed when they are done with",
        fix="""\
// remove what you leave behind, and use one channel for several tables:
return () => { supabase.removeChannel(channel) }
console.log(supabase.getChannels().length)  // it must not grow
// or raise the quota:""",
        tenant={"max_channels_per_client": 200},
        dashboard="“Max channels per client”, 100 on all plans but Enterprise",
        symptom="After a while of clicking around, new channels get CHANNEL_ERROR; a reload helps.",
        why="`unsubscribe` without `removeChannel`, or a new topic for each render, keep the old channels joined.",
        verify=QUIET,
        source="https://supabase.com/docs/guides/troubleshooting/realtime-too-many-channels-error",
        notes=(10, 11, 12),
    ),
    Answer(
        id="rate_limited",
        title="Messages stay below the quota",
        words="Too many messages per second|MessagePerSecondRateLimitReached",
        places=(Place.SYSTEM,),
        cause="More messages per second pass through $host than its quota allows; it closes the channels that receive",
        fix="Send fewer and larger messages (collect them for 50–100 ms), use smaller channels, or raise the quota:",
        tenant={"max_events_per_second": 2500},
        dashboard="“Max events per second”, within the plan (100 on Free, 500 on Pro, 2,500 without a spend cap)",
        symptom="Channels close while others send; the socket stays. Changes over the limit are missing without a "
        "word.",
        why="Sends and deliveries both count: one message to a channel of 50 is 51. The rate is a mean over a minute.",
        verify=QUIET,
        source=QUOTAS,
        notes=(34,),
    ),
    Answer(
        id="presence_rate_limited",
        title="Presence stays below the quota",
        words="Too many presence messages per second|\\bPresenceRateLimitReached",
        places=(Place.SYSTEM,),
        cause="More presence messages per second pass through $host than its quota allows",
        fix="Track when a state changes, not on a timer; send cursors and typing by Broadcast; use smaller channels",
        symptom="Channels with presence close when many people come at once.",
        why="Each track reaches everybody on the channel, and everybody who joins gets the whole state.",
        verify=QUIET,
        source=QUOTAS,
    ),
    Answer(
        id="presence_limited",
        title="No client tracks too often",
        words="Client presence rate limit exceeded|ClientPresenceRateLimitReached",
        cause="One client has called track or untrack more than 5 times within 30 s, which closes its channel",
        fix="""\
// at most once in six seconds, and only what has changed; cursors and typing go by Broadcast:
const track = throttle((state) => channel.track(state), 6000)
// or raise the quota:""",
        tenant={"max_client_presence_events_per_window": 50, "client_presence_window_ms": 30000},
        dashboard="the limit of presence calls for each client is set by support",
        symptom="The channel closes a moment after the page began to track positions or keystrokes.",
        why="Presence is a shared state that must converge, not a stream; the server protects it by a small quota.",
        verify=QUIET,
        source="https://github.com/supabase/realtime/pull/1705",
        notes=(31,),
    ),
    Answer(
        id="payload_limited",
        title="Messages are within the payload's limit",
        words="Track message size exceeded|payload_size_exceeded|Payload size exceeds tenant limit",
        cause="A message was larger than the plan allows (256 KB on Free, 3,000 KB else)",
        fix="Put the data into Storage or a table, and send its path or id",
        symptom="The broadcast is lost (with `ack`: an error), a track closes its channel.",
        why="Every message is copied to each receiver; the quota limits one.",
        verify=QUIET,
        source=QUOTAS,
    ),
)
