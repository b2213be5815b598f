"""What the server says of the project and of its database."""

from __future__ import annotations

from helpers.diagnosis.evidence import Place
from helpers.diagnosis.results import Status
from helpers.diagnosis.rules.sentences.answer import Answer

__all__ = ["ANSWERS"]

LOGS = "Look at the Realtime logs of $host (Logs, Realtime) at this minute"
AGAIN = "Diagnose again: the join is answered with ok."

ANSWERS = (
    Answer(
        id="realtime_disabled",
        title="Realtime is switched on",
        words="Realtime was disabled for this tenant|RealtimeDisabledForTenant",
        cause="Realtime is switched off for $host",
        fix="Enable Realtime:",
        tenant={"suspend": False},
        dashboard="switch on “Enable Realtime service”",
        symptom="Every socket is refused with HTTP 403.",
        why="It was switched off in the settings, or the project was suspended.",
        verify="Diagnose again: the upgrade is granted.",
    ),
    Answer(
        id="tenant_unknown",
        title="Realtime knows the project",
        words="Tenant not found|TenantNotFound",
        cause="Realtime does not know the project $project: the URL is misspelt, or the gateway passes another host",
        fix="Copy the Project URL again (Settings, Data API); on a self-hosted server the first label of the host that "
        "reaches Realtime must be the tenant's external_id: set it in the gateway (Host: realtime-dev.…)",
        symptom="Every socket is refused with HTTP 404 and “Tenant not found”.",
        why="Realtime takes the project's name from the first label of the host. A gateway that sets another `Host`, "
        "or an address in its place, names no project.",
        verify="Diagnose again: the upgrade is granted.",
    ),
    Answer(
        id="connect_failed",
        title="Realtime comes to an answer about the key",
        words="Error connecting to Realtime",
        cause="Realtime met an error of its own while it looked at the key: `exp` that is not a number is a known one",
        fix="Write `exp` as seconds since 1970 without quotes in tokens of your own; else: " + LOGS,
        symptom="The socket is refused with HTTP 500 after two seconds.",
        why="What the server did not foresee ends in this one sentence; its log knows more.",
        verify="Diagnose again: the upgrade is granted.",
    ),
    Answer(
        id="protocol_known",
        title="The protocol's version is known",
        words="^$",
        http=403,
        places=(Place.HANDSHAKE,),
        cause="Realtime refuses the version of the protocol (`vsn`) that the client names, or something before it "
        "answers 403 without a word",
        fix="Use vsn=1.0.0 or vsn=2.0.0 in the query, and look for a firewall before $host that refuses WebSockets",
        symptom="HTTP 403 with an empty body.",
        why="The server has serializers for ~> 1.0.0 and ~> 2.0.0 alone.",
        verify="Diagnose again: the upgrade is granted.",
    ),
    Answer(
        id="database_reachable",
        title="Realtime reaches its database",
        words="UnableToConnectToProject|InitializingProjectConnection|UnableToConnectToTenantDatabase"
        "|unable to connect to the project database|DatabaseConnectionDown",
        cause="Realtime cannot reach the database of $host: the project is paused, starting or overloaded",
        fix="Restore the project if it is paused (Dashboard, Restore project); else wait a minute and join again. On a "
        "self-hosted server check DB_HOST, DB_PASSWORD and the role supabase_admin",
        symptom="CHANNEL_ERROR after five seconds, on all channels of the project.",
        why="Private channels, changes and broadcasts from the database need it; a paused project has none.",
        verify=AGAIN,
    ),
    Answer(
        id="database_capacity",
        title="The database has connections for Realtime",
        words="DatabaseLackOfConnections|IncreaseConnectionPool|IncreaseSubscriptionConnectionPool"
        "|DatabaseConnectionRateLimitReached|UnableCheckoutConnection|QueryCanceled",
        cause="The database of $host gives Realtime no connection in time, or cancels its queries",
        fix="""\
-- who holds the connections, and since when:
select usename, application_name, state, count(*), min(state_change)
from pg_stat_activity group by 1, 2, 3 order by 4;
-- then give Realtime more of them (Settings, Realtime, Database connection pool size), or a larger compute size""",
        symptom="CHANNEL_ERROR on private channels while many people join at once; public ones work.",
        why="Each private join asks the database through a small pool; slow policies, or an application that takes all "
        "connections, empty it.",
        verify=AGAIN,
        follows=("connection_headroom",),
    ),
    Answer(
        id="missing_partition",
        title="realtime.messages has today's partition",
        words="MissingPartition|unable to find the expected messages partition",
        cause="The table realtime.messages has no partition for today: often a reset has dropped it",
        fix="""\
do $$do$$ begin
  execute format(
    'create table if not exists realtime.%I partition of realtime.messages for values from (%L) to (%L)',
    'messages_' || to_char(current_date, 'YYYY_MM_DD'), current_date, current_date + 1);
end $$do$$;""",
        symptom="Private channels are refused; broadcasts from the database do not arrive.",
        why="Realtime makes partitions for some days ahead when it first connects to a database. `db reset`, or a "
        "restore, takes them away while it believes that they are there.",
        verify=AGAIN,
        notes=(36,),
    ),
    Answer(
        id="restarting",
        title="Realtime is not restarting",
        words="RealtimeRestarting|Realtime is currently restarting|Realtime is restarting",
        cause="Realtime is restarting just now",
        fix="Join again after a few seconds, with backoff: supabase-js does so by itself",
        symptom="Joins are refused for some seconds, on all channels.",
        why="A deployment or a crash of the node; it passes.",
        verify=AGAIN,
        status=Status.WARNING,
    ),
    Answer(
        id="replication_ready",
        title="Broadcasts from the database are ready in time",
        words="Replication connection was not established in time",
        cause="Realtime could not begin to stream realtime.messages: broadcasts from the database do not arrive",
        fix="""\
-- is there a walsender and a slot left for it?
select count(*) as used, current_setting('max_wal_senders') as senders,
       current_setting('max_replication_slots') as slots
from pg_replication_slots;
-- drop an inactive slot that nobody needs, or raise both settings and restart""",
        symptom="The channel closes some seconds after the join that asked for `replication_ready`.",
        why="The stream needs one replication slot and one WAL sender.",
        verify="Join with config.broadcast.replication_ready: a system message says that it is established.",
        follows=("replication_headroom", "wal_level"),
    ),
    Answer(
        id="disconnected_by_operator",
        title="Nobody disconnects the clients",
        words="Server requested disconnect",
        cause="An operator, or a change of the project's Realtime settings, has disconnected all clients",
        fix="Connect again, refetch what was missed, and change settings outside of busy hours",
        symptom="All sockets close at once with code 1012.",
        why="Settings such as “Allow public access” take effect by disconnecting everybody.",
        verify="Keep a channel open for some minutes: it stays.",
        status=Status.WARNING,
        notes=(9,),
    ),
)
