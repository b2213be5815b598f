"""What the server says, word by word (`user_socket.ex`, `realtime_channel.ex`, recordings), and whose rule it is."""

from __future__ import annotations

from helpers.diagnosis.evidence import Heard, Place

__all__ = ["SENTENCES"]

H, J, S = Place.HANDSHAKE, Place.JOIN, Place.SYSTEM
BINDING = "[event: *, schema: chat, table: Rooms, filters: [], select: nil]"
UNABLE = "Unable to subscribe to changes with given parameters."

#: rule, what was heard, words of the fix
SENTENCES: tuple[tuple[str, Heard, str], ...] = (
    ("key_missing", Heard(H, "API key is missing", 401), "apikey"),
    ("token_expired", Heard(H, "Token has expired", 401), "SUPABASE_PUBLISHABLE_KEY"),
    ("token_expired", Heard(J, "InvalidJWTToken: Token has expired 7 seconds ago"), "setAuth"),
    ("token_expired", Heard(S, "Token has expired 0 seconds ago"), "setAuth"),
    ("token_claims", Heard(H, "Fields `role` and `exp` are required in JWT", 401), "anon"),
    ("token_claims", Heard(J, "InvalidJWTToken: Fields `role` and `exp` are required in JWT"), '"authenticated"'),
    ("token_malformed", Heard(H, "The token provided is not a valid JWT", 401), "whole"),
    ("token_malformed", Heard(J, "MalformedJWT: The token provided is not a valid JWT"), "session.access_token"),
    ("token_signature", Heard(H, "Failed to validate JWT signature", 401), "this very project"),
    ("token_signature", Heard(J, "JwtSignatureError: Failed to validate JWT signature"), "Sign in again"),
    ("token_signature", Heard(S, ":signature_error"), "Sign in again"),
    (
        "jwks_unknown",
        Heard(J, 'JwtSignerError: Failed to generate JWT signer for key ID (kid) "k1", check your JWT secret or JWKS'),
        "https://abc.supabase.co:443/auth/v1/.well-known/jwks.json",
    ),
    ("realtime_disabled", Heard(H, "Realtime was disabled for this tenant", 403), "dashboard/project/abc/realtime"),
    ("tenant_unknown", Heard(H, "Tenant not found", 404), "external_id"),
    ("connect_failed", Heard(H, "Error connecting to Realtime", 500), "without quotes"),
    ("protocol_known", Heard(H, "", 403), "vsn=2.0.0"),
    ("database_reachable", Heard(J, "UnableToConnectToProject: Realtime was unable to connect"), "Restore"),
    ("database_reachable", Heard(J, "InitializingProjectConnection: Realtime is initializing"), "Restore"),
    ("database_capacity", Heard(J, "DatabaseLackOfConnections: Database can't accept more"), "pg_stat_activity"),
    ("database_capacity", Heard(J, "IncreaseConnectionPool: Please increase your connection pool"), "pool size"),
    ("database_capacity", Heard(J, "DatabaseConnectionRateLimitReached: Too many attempts"), "pool size"),
    ("database_capacity", Heard(J, "QueryCanceled: canceling statement due to statement timeout"), "pg_stat_activity"),
    ("missing_partition", Heard(J, "MissingPartition: Realtime was unable to find the expected messages partition"),
     "do $do$ begin"),
    ("restarting", Heard(J, "RealtimeRestarting: Realtime is restarting, please standby"), "backoff"),
    ("replication_ready", Heard(S, "Replication connection was not established in time"), "max_replication_slots"),
    ("disconnected_by_operator", Heard(S, "Server requested disconnect"), "refetch"),
    ("too_many_users", Heard(H, "Too many connected users", 429), "Max concurrent clients"),
    ("too_many_users", Heard(J, "ConnectionRateLimitReached: Too many connected users"), "Max concurrent clients"),
    ("too_many_joins", Heard(H, "Too many joins per second", 429), "removeChannel"),
    ("too_many_joins", Heard(J, "ClientJoinRateLimitReached: Too many joins per second"), "removeChannel"),
    ("too_many_channels", Heard(J, "ChannelRateLimitReached: Too many channels"), "getChannels"),
    ("rate_limited", Heard(S, "Too many messages per second"), "Max events"),
    ("presence_rate_limited", Heard(S, "Too many presence messages per second"), "Broadcast"),
    ("presence_limited", Heard(S, "Client presence rate limit exceeded"), "throttle"),
    ("payload_limited", Heard(S, "Track message size exceeded"), "Storage"),
    (
        "permission_lost",
        Heard(S, "You no longer have permission to read from this Channel topic: it's"),
        "(select realtime.topic()) = 'it''s'",
    ),
    ("permission_lost", Heard(S, "You do not have permissions to read from this Channel topic: a"), "new claims"),
    (
        "topic_unauthorized",
        Heard(J, "Unauthorized: You do not have permissions to read from this Channel topic: room:1"),
        "(select realtime.topic()) = 'room:1'",
    ),
    ("private_only", Heard(J, "PrivateOnly: This project only allows private channels"), "private: true"),
    ("replay_refused", Heard(J, "UnableToReplayMessages: Replay is not allowed for public channels"), '"limit": 25'),
    ("replay_refused", Heard(J, "UnableToReplayMessages: Replay params are not valid"), '"private": true'),
    ("topic_named", Heard(J, "TopicNameRequired: You must provide a topic name"), "room:${id}"),
    ("topic_matched", Heard(S, "unmatched topic"), "realtime:"),
    ("presence_payload", Heard(S, "Presence track payload must be a map"), "an object"),
    ("channel_crash", Heard(S, "channel_crash"), "an object"),
    ("channel_unknown_error", Heard(J, "UnknownErrorOnChannel: Unknown Error on Channel"), "a number of seconds"),
    (
        "unsubscribable",
        Heard(S, f"{UNABLE} Please check Realtime is enabled for the given connect parameters: {BINDING}"),
        'alter publication supabase_realtime add table "chat"."Rooms";',
    ),
    (
        "filter_column",
        Heard(S, f"{UNABLE} An exception happened so please check your connect parameters: {BINDING}. "
                 "Exception: ERROR P0001 (raise_exception) invalid column for filter userId"),
        'grant select on table "chat"."Rooms"',
    ),
    (
        "binding_exception",
        Heard(S, f"{UNABLE} An exception happened so please check your connect parameters: {BINDING}. "
                 "Exception: ERROR 22P02 (invalid_text_representation) invalid input syntax for type uuid"),
        "column's type",
    ),
    ("filter_malformed", Heard(S, "Error parsing `filter` params: [\"room_id\"]"), "room_id=eq.123"),
    ("select_malformed", Heard(S, "Error parsing `select` params: expected a list of column name strings"), "select:"),
    ("select_malformed", Heard(S, "Column selection is not supported for wildcard subscriptions. Provide"), "table:"),
    ("select_malformed", Heard(S, "No subscription params provided. Please provide at least a `schema`"), "schema:"),
    ("changes_in_time", Heard(J, "PostgresChangesSubscribeTimeout: Timed out after 15000ms waiting for the "
                                 "postgres_changes subscription"), "timeout"),
)  # fmt: skip
