"""What the server says of a channel: who may be on it, and how it is asked for."""

from __future__ import annotations

from helpers.diagnosis.evidence import Place
from helpers.diagnosis.results import Status
from helpers.diagnosis.rules.sentences.answer import Answer

__all__ = ["ANSWERS"]

AUTHORIZATION = "https://supabase.com/docs/guides/realtime/authorization"
AGAIN = "Join again: the reply is ok."
#: For signed-in users: the topic itself, or a rule of the user's own in its place.
READ_POLICY = """\
create policy $name on realtime.messages for select to authenticated
  using ((select realtime.topic()) = $topic_sql and extension in ('broadcast', 'presence'));"""

ANSWERS = (
    Answer(
        id="permission_lost",
        title="Rights last as long as the channel",
        words=r"(?<!Unauthorized: )You (?:no longer have permission|do not have permissions) to read from this "
        r"Channel topic: (?P<topic>.+)",
        places=(Place.SYSTEM,),
        cause="With the new token the policies on realtime.messages no longer let the user read the topic $topic",
        fix=READ_POLICY.replace("$name", '"read with new claims"'),
        remedy="Give the role of the new token a policy, or keep the claims by which the old one was let in.",
        symptom="A private channel closes at the moment at which the token is refreshed.",
        why="The policies are asked again with each new token. Claims that were lost in it (an organisation, a "
        "role), or "
        "a membership that has ended, close the channel.",
        verify="Refresh the session while the channel is open: it stays.",
        source=AUTHORIZATION,
        notes=(30,),
    ),
    Answer(
        id="topic_unauthorized",
        title="Private topics may be read",
        words=r"^(?:Unauthorized: )?You do not have permissions to read from this Channel topic: (?P<topic>.+)"
        r"|^Unauthorized\b",
        places=(Place.JOIN,),
        follows=("permission_lost",),
        cause="No policy on realtime.messages lets this user read the topic $topic",
        fix=READ_POLICY.replace("$name", '"read this topic"'),
        remedy="Write a SELECT policy on realtime.messages for the topics of the role, and call setAuth before "
        "joining.",
        symptom="CHANNEL_ERROR after five seconds on a channel with `private: true`; public ones work.",
        why="For each private join the server looks whether the role sees a row of that topic. Without a policy, "
        "with a "
        "misspelt topic, or as `anon` because setAuth was not called, it sees none.",
        verify=AGAIN,
        source="https://github.com/supabase/realtime/issues/1111",
        notes=(30,),
    ),
    Answer(
        id="private_only",
        title="Public channels are allowed",
        words="PrivateOnly|only allows private channels",
        cause="$host allows private channels only: public ones are refused",
        fix="supabase.channel(topic, { config: { private: true } }), with policies on realtime.messages; "
        "or allow public ones:",
        tenant={"private_only": False},
        dashboard="switch on “Allow public access to channels”",
        symptom="CHANNEL_ERROR after five seconds on each channel without `private: true`.",
        why="“Allow public access” is switched off in the Realtime settings.",
        verify=AGAIN,
        status=Status.WARNING,
        source=AUTHORIZATION,
        notes=(30,),
    ),
    Answer(
        id="replay_refused",
        title="A replay is asked for in the right way",
        words="UnableToReplayMessages|Replay is not allowed for public channels|Replay params are not valid"
        "|unable to replay messages",
        cause="The replay of past broadcasts was refused: the channel is public, or `since` and `limit` are not "
        "numbers "
        "in their range",
        fix='{"config": {"private": true, "broadcast": {"replay": {"since": 1767225600000, "limit": 25}}}}',
        remedy="Join a private channel with `since` in milliseconds, not in the future, and `limit` from 1 to 25.",
        symptom="A channel that asks for past broadcasts gets CHANNEL_ERROR.",
        why="Only what the database has sent to private topics is kept, for 72 hours, and 25 messages at most are "
        "given.",
        verify=AGAIN,
        source="https://supabase.com/docs/guides/realtime/broadcast#broadcast-replay",
    ),
    Answer(
        id="topic_named",
        title="Channels have a name",
        words="TopicNameRequired|You must provide a topic name",
        cause="A channel was joined without a name: the variable in its topic was empty",
        fix="Wait until the id is there: if (id) supabase.channel(`room:$${id}`)",
        symptom="CHANNEL_ERROR after five seconds while the page loads, then all is well.",
        why="The topic is built from a value that is not there yet.",
        verify=AGAIN,
    ),
    Answer(
        id="topic_matched",
        title="Messages go to channels that are joined",
        words="unmatched topic",
        cause="A message was sent to a topic that is not joined, or whose name does not begin with `realtime:`",
        fix="Send after SUBSCRIBED and not after removeChannel; a client of your own adds `realtime:` to each topic",
        symptom="A broadcast or a track is answered with an error at once; nobody receives it.",
        why="The channel was closed meanwhile (its token ended, a limit was reached), or never joined.",
        verify=AGAIN,
        notes=(12,),
    ),
    Answer(
        id="presence_payload",
        title="What is tracked is an object",
        words="Presence track payload must be a map|InvalidPresencePayload",
        cause="track() was called with something that is not an object",
        fix="channel.track({ user_id: user.id }): an object, not a text or a list",
        symptom="track answers with an error, and nobody sees the client.",
        why="The server adds a reference to each state, for which it must be an object.",
        verify="Track again: it is answered with ok.",
    ),
    Answer(
        id="channel_crash",
        title="Broadcasts are objects",
        words="channel_crash",
        cause="A broadcast whose payload is not an object has crashed the sender's channel",
        fix="channel.send({ type: 'broadcast', event, payload: { value } }): an object, not a text or a list",
        symptom="The channel of the sender errors at once, and rejoins.",
        why="With version 2.0.0 of the protocol a text broadcast is taken apart, and anything but an object fails.",
        verify="Send again: the channel stays open.",
    ),
    Answer(
        id="channel_unknown_error",
        title="Realtime foresaw what came",
        words="Unknown ?Error ?[oO]n ?Channel",
        cause="Realtime met an error of its own in the join: an `exp` that is not a number, or a configuration of a "
        "shape that it does not expect",
        fix="Write `exp` as a number of seconds, and `config`, `broadcast`, `presence` as objects; else look at the "
        "Realtime logs of $host",
        symptom="CHANNEL_ERROR after five seconds, with a sentence that says nothing.",
        why="What the server did not foresee ends in this one sentence; its log knows more.",
        verify=AGAIN,
        follows=("token_life", "key_role", "join_as_meant"),
    ),
)
