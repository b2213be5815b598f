"""What to do about each sentence with which the server refuses something.

The sentences are those of supabase/realtime (`user_socket.ex`, `realtime_channel.ex`) and of recordings of it. A piece
of each is enough to know it by; the first that fits wins.
"""

from __future__ import annotations

__all__ = [
    "handshake_advice",
    "is_crowding",
    "is_lasting",
    "is_token_refusal",
    "join_advice",
    "push_advice",
    "subscription_advice",
]

_HANDSHAKE = (
    ("API key is missing", "Set SUPABASE_PUBLISHABLE_KEY to the publishable key of Settings, API Keys"),
    ("Token has expired", "Take a fresh key or token, and check that this machine's clock is right"),
    (
        "Fields `role` and `exp`",
        "Give the token the claims `role` and `exp`; tokens of other providers often lack them",
    ),
    (
        "not a valid JWT",
        "Check that the key is whole and belongs to this project; a self-hosted Realtime without an API gateway takes "
        "JSON Web Tokens only, no sb_publishable_… keys",
    ),
    (
        "validate JWT signature",
        "Copy the key again from Settings, API Keys: it belongs to another project, or was rotated",
    ),
    (
        "generate JWT signer",
        "Tell Realtime the signing keys (JWKS) of the issuer, or use a token of this project's Auth",
    ),
    ("Realtime was disabled", "Switch Realtime on in the project's settings"),
    ("Tenant not found", "Check SUPABASE_URL: its first label must be the project's reference"),
    (
        "Too many connected users",
        "Close idle connections, share one socket among channels, or raise the project's quota",
    ),
    ("Too many joins", "Join fewer channels per second: a component that subscribes on each render is the usual cause"),
)

_HANDSHAKE_STATUS = {
    401: "Check the key: it must be the publishable or anon key of this project",
    403: "Check the protocol version (1.0.0 or 2.0.0), and that Realtime is switched on in the project's settings",
    404: "Check SUPABASE_URL: nothing answers at /realtime/v1/websocket there",
    429: "Wait a minute, and open fewer connections: the project's quota is used up",
    500: "Look into the project's Realtime logs, and check that its database is up",
    502: "Check that the project is not paused: its API gateway answers, Realtime behind it does not",
    503: "Check that the project is not paused: its API gateway answers, Realtime behind it does not",
}

_JOIN = (
    (
        "You do not have permissions to read",
        "Write a select policy on realtime.messages for this topic and role, or give the user's token to the client",
    ),
    ("PrivateOnly", "Join with private=True, or allow public access in the project's Realtime settings"),
    ("ChannelRateLimitReached", "Leave channels that are no longer needed: a socket may hold 100"),
    ("ConnectionRateLimitReached", "Close idle connections, or raise the project's quota of connected users"),
    ("ClientJoinRateLimitReached", "Join fewer channels per second: subscribing on each render is the usual cause"),
    ("MalformedJWT", "Check the token: it is no JSON Web Token"),
    ("InvalidJWTToken", "Take a fresh token, and check its claims `role` and `exp` and this machine's clock"),
    ("JwtSign", "Use a token of this project's Auth: Realtime cannot verify this one's signature"),
    ("DatabaseLackOfConnections", "Raise the database's max_connections, or free connections that others hold"),
    ("IncreaseConnectionPool", "Raise Realtime's connection pool in the project's settings"),
    ("UnableToConnectToProject", "Check that the project's database is up and not paused"),
    ("InitializingProjectConnection", "Try again in a few seconds: Realtime is still connecting to the database"),
    ("DatabaseConnectionRateLimitReached", "Wait a minute: Realtime could not reach the database several times"),
    ("MissingPartition", "Restart the project's Realtime: the day's partition of realtime.messages is missing"),
    ("Replay is not allowed", "Join with private=True: only private channels replay broadcasts"),
    ("Replay params", "Give since_ms in milliseconds of Unix time and a limit of at most 25"),
    ("RealtimeRestarting", "Try again in a few seconds: the server is restarting"),
    ("UnknownErrorOnChannel", "Check the types in the join's config against helpers.wire.join.JoinConfig"),
    ("no longer have permission", "Check the select policy on realtime.messages for the claims of the new token"),
    ("Too many messages per second", "Send fewer messages, or raise the project's quota of messages per second"),
    ("resence", "Call track at most 5 times per 30 s; send what changes faster, such as cursors, by broadcast"),
    ("oken has expired", "Call set_token with a fresh token before the old one expires"),
    ("Fields `role` and `exp`", "Give the token the claims `role` and `exp`"),
    ("not a valid JWT", "Check the token: it is no JSON Web Token"),
    ("signature_error", "Use a token of this project's Auth: Realtime cannot verify this one's signature"),
    ("channel_crash", "Send an object, not a bare value, as the payload of a broadcast in protocol 2.0.0"),
    ("unmatched topic", "Name the channel: its topic must begin with realtime:"),
)

_SUBSCRIPTION = (
    ("Please check Realtime is enabled", "Add the table to the publication supabase_realtime, and check its spelling"),
    ("invalid column for filter", "Filter on a column that exists and that the role may select (grant select)"),
    ("invalid column for select", "Select columns that exist and that the role may read"),
    ("too many values for `in`", "Give `in` at most 100 values"),
    (
        "invalid value for is filter",
        "Compare with `is` only to null, true, false or unknown; use `eq` for other values",
    ),
    ("invalid input syntax", "Give the filter a value of the column's type"),
    ("Error parsing `filter`", "Write the filter as column=operator.value, for example room_id=eq.123"),
    ("Error parsing `select`", "Give select a list of column names"),
    ("No subscription params", "Give the binding a schema, or a table with its filter"),
)


#: Refusals that the same request will meet again, whenever it is sent.
_LASTING = (
    "API key is missing",
    "not a valid JWT",
    "validate JWT signature",
    "generate JWT signer",
    "Fields `role` and `exp`",
    "Realtime was disabled",
    "Tenant not found",
    "You do not have permissions to read",
    "no longer have permission",
    "PrivateOnly",
    "MalformedJWT",
    "JwtSign",
    "Replay is not allowed",
    "Replay params",
    "UnknownErrorOnChannel",
    "unmatched topic",
    "signature_error",
    *(piece for piece, _ in _SUBSCRIPTION if piece != "Please check Realtime is enabled"),
)

#: What a fresh token may change.
_TOKEN = ("oken has expired", "InvalidJWTToken", "Fields `role` and `exp`", "no longer have permission")


#: There are too many at once; later there may be room.
_CROWDING = ("Too many joins", "Too many connected users", "JoinRateLimitReached", "ConnectionRateLimitReached")


def is_lasting(sentence: str) -> bool:
    """Whether trying again unchanged is of no use. "Please check Realtime is enabled" is not in it: the server says so
    too while a publication is being altered."""
    return any(piece in sentence for piece in _LASTING)


def is_token_refusal(sentence: str) -> bool:
    """Whether a fresh token may be accepted."""
    return any(piece in sentence for piece in _TOKEN)


def is_crowding(sentence: str) -> bool:
    """Whether the server turns clients away because too many come at once."""
    return any(piece in sentence for piece in _CROWDING)


def handshake_advice(status: int, sentence: str) -> str:
    """What to do when the WebSocket upgrade was answered with this HTTP status and error sentence."""
    fallback = "Check that SUPABASE_URL names a Supabase project"
    return _matching(_HANDSHAKE, sentence, _HANDSHAKE_STATUS.get(status, fallback))


def join_advice(reason: str) -> str:
    """What to do when a join was refused for this reason."""
    return _matching(_JOIN, reason, "Look for the reason in the project's Realtime logs")


def subscription_advice(message: str) -> str:
    """What to do when a channel was joined but its postgres_changes were refused with this message."""
    return _matching(_SUBSCRIPTION, message, "Look for the message in the project's Realtime logs")


def push_advice(event: str) -> str:
    """What to do when a broadcast or presence message was refused or not acknowledged."""
    return (
        f"Check the insert policy on realtime.messages for {event}: a private channel drops what its user may not "
        "write, without an answer"
    )


def _matching(table: tuple[tuple[str, str], ...], sentence: str, fallback: str) -> str:
    return next((advice for piece, advice in table if piece in sentence), fallback)
