"""Rules about keys, tokens and the client's settings, and about who can listen."""

from __future__ import annotations

import re
from collections.abc import Iterator

from helpers.review.inventory import AuthUse, Client, FileFacts
from helpers.review.rules.reviewed import Reviewed, exact
from helpers.review.rules.rule import Found, failure, warning

__all__ = ["RULES"]

KEYS = "https://supabase.com/docs/guides/api/api-keys"
TOKENS = "https://github.com/supabase/supabase-js/issues/553"
SERVER = "supabase/realtime lib/realtime_web/endpoint.ex"
AUTHORIZATION = "https://supabase.com/docs/guides/realtime/authorization"
#: Names of environment variables that a bundler puts into what the browser loads.
PUBLIC = re.compile(
    r"\b(?:NEXT_PUBLIC|VITE|REACT_APP|EXPO_PUBLIC|NUXT_PUBLIC|PUBLIC|GATSBY|VUE_APP)_\w+|import\.meta\.env"
)
#: What holds a token that the client refreshes itself.
SESSION = re.compile(r"session|access_token|accessToken\b", re.I)
#: The server closes a socket after 66 s of silence; a minute leaves nothing for a late timer.
SLOWEST_HEARTBEAT_MS = 60_000
PERSONAL = re.compile(
    r"^(?:[\w-]+[:/])?(?:users?|dms?|direct|inbox|accounts?|members?|patients?|wallets?)[:/_-]\{", re.I
)


@failure(
    "Secret keys stay on the server",
    KEYS,
    symptom="Everybody who opens the page can read and write everything: the key passes row-level security by.",
    remedy="Use the publishable key in the browser, revoke the secret one now, and do on a server what needs it.",
    verify="The bundle does not contain the key",
)
def secret_in_client(code: Reviewed) -> Iterator[Found]:
    """What a bundler puts into the page can be read by whoever loads it. A service_role or secret key opens all rows of
    all tables to them."""
    for file in code.inventory.files:
        for client in file.clients:
            if client.key_kind in ("service_role", "secret") and _reaches_browser(file, client):
                kind = "service_role" if client.key_kind == "service_role" else "secret"
                cause = f"The {kind} key reaches the browser: it opens every row to everybody"
                fix = f"{client.maker}(url, publishableKey), and a new {kind} key, as this one is known"
                yield Found(client.place, f"the key is {client.key}, in code of the browser", cause, fix)


def _reaches_browser(file: FileFacts, client: Client) -> bool:
    return client.is_server_file is False or file.server is False or bool(PUBLIC.search(client.key.value))


@failure(
    "Tokens are given anew before they expire",
    TOKENS,
    symptom="After an hour the channel closes, “Token expired”; REST goes on.",
    remedy="Give `createClient` an `accessToken` callback, which is asked at each heartbeat, or call `setAuth` with "
    "each new token.",
    verify="With a token of two minutes, changes still arrive after three",
    notes=(5, 6, 8),
)
def token_not_refreshed(code: Reviewed) -> Iterator[Found]:
    """Realtime knows the token that it was given, and closes the channel in the second in which it expires. A token
    that was set by hand is kept by the client and not asked for again."""
    uses = [(file, use) for file in code.inventory.files for use in file.auth]
    if any(use.kind != "set_auth" for _, use in uses):
        return
    given = [(file, use) for file, use in uses if use.argument.strip() not in ("", "null", "undefined", "None")]
    if len(given) != 1 or not _once(*given[0]):
        return
    _, use = given[0]
    cause = f"{use.argument} is set once: when it expires, the channels are closed"
    fix = "createClient(url, key, { accessToken: async () => … /* the token of now */ })"
    yield Found(use.place, f"setAuth({use.argument}) once, no accessToken, no later setAuth", cause, fix)


def _once(file: FileFacts, use: AuthUse) -> bool:
    """Whether nothing calls it again: no handler, loop or interval, no effect that depends on the token; and whether it
    is not the token of a session, which the client refreshes."""
    again = use.where.in_handler is not None or use.where.in_loop is not None or (use.handed and use.effect is None)
    functions = {scope.name for scope in use.where.scopes if scope.kind == "function" and scope.name}
    polled = any(functions & set(re.findall(r"\w+", poll.target)) for poll in file.polls)
    watched = use.effect is not None and any(each.text == use.argument for each in use.effect.dependencies or ())
    return not (again or polled or watched or SESSION.search(use.argument))


@failure(
    "The heart beats before the server hangs up",
    SERVER,
    symptom="CLOSED and SUBSCRIBED in turn every minute; what happens in between is lost.",
    remedy="Leave `heartbeatIntervalMs` at its 25 s. A tab that was hidden reads again what it shows, as a frozen one "
    "sends no heartbeats at all.",
    verify="The connection lives for five quiet minutes",
    notes=(1, 9),
)
def heartbeat_interval(code: Reviewed) -> Iterator[Found]:
    """The server closes a socket on which nothing came for 66 s. Timers of a tab in the background are late: by a
    second, and where timers set each other, as in clients that beat by `setInterval`, by up to a minute. Then
    `worker: true` keeps the beat; a frozen tab has none, with it or without (notebook 27 measures both)."""
    for file in code.inventory.files:
        for client in file.clients:
            value = dict(client.options).get("realtime.heartbeatIntervalMs")
            number = exact(value).replace("_", "")
            if number.isdigit() and int(number) >= SLOWEST_HEARTBEAT_MS:
                cause = (
                    f"A heartbeat every {int(number) / 1000:g} s is too late: the server closes after 66 s of silence"
                )
                fix = "realtime: { heartbeatIntervalMs: 25_000 }"
                yield Found(client.place, f"heartbeatIntervalMs {value}", cause, fix)


@warning(
    "What is a person's own goes over private channels",
    AUTHORIZATION,
    symptom="Whoever knows or guesses an id receives what was meant for its owner.",
    remedy="`config: { private: true }` on both sides, and policies on `realtime.messages` that compare "
    "`realtime.topic()` with the user.",
    verify="Another user's join is refused",
    notes=(30,),
)
def public_topic_of_person(code: Reviewed) -> Iterator[Found]:
    """A public channel can be joined and written to by everybody who has the page's key and knows the topic.
    Row-level security protects postgres_changes alone."""
    for _, channel in code.channels:
        spoken: list[str] = [each.kind for each in channel.bindings if each.kind in ("broadcast", "presence")]
        spoken += [each.kind for each in channel.sends]
        if spoken and channel.private is False and not channel.topic.exact and PERSONAL.search(channel.topic.value):
            cause = f"{channel.topic} is public: everybody with the page's key can listen and send"
            fix = f"channel(`{channel.topic.value.replace('{', '${')}`, {{ config: {{ private: true }} }})"
            yield Found(channel.created, f"{' and '.join(dict.fromkeys(spoken))} on a public channel", cause, fix)


RULES = (secret_in_client, token_not_refreshed, heartbeat_interval, public_topic_of_person)
