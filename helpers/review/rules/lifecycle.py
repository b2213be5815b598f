"""Rules about the life of a channel: where it is made, and where it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from helpers.review.inventory import Channel, Client, Effect, FileFacts
from helpers.review.rules.reviewed import Reviewed, exact, is_client_side, is_react
from helpers.review.rules.rule import Found, failure, warning
from helpers.review.rules.words import listed, remove
from helpers.review.source import Place

__all__ = ["RULES"]

TOO_MANY = "https://supabase.com/docs/guides/troubleshooting/realtime-too-many-channels-error"
STRICT = "https://github.com/supabase/supabase/issues/7799"
RERENDER = "https://react.dev/reference/react/useEffect#removing-unnecessary-object-dependencies"
MULTIPLE = "https://github.com/supabase/supabase-js/issues/1440"
#: Files whose functions run once for each request.
REQUEST_HANDLER = re.compile(
    r"(?:^|/)(?:app/(?:.*/)?route\.[jt]s|pages/api/.*\.[jt]s|supabase/functions/(?!_).*\.[jt]s|server/api/.*\.[jt]s"
    r"|routes/(?:.*/)?\+(?:server|page\.server)\.[jt]s)$|^api/.*\.[jt]s$"
)
ACTIONS = re.compile(r"(?:^|/)(?:actions?)(?:\.[jt]s|/.*\.[jt]s)$")
PAGE = re.compile(r"(?:^|/)(?:(?:page|index)\.\w+$|(?:pages|views|screens|routes)/)")


@failure(
    "A channel is removed when its component goes",
    TOO_MANY,
    symptom="Events arrive twice and more often with each visit of the page; in development twice from the beginning; "
    "in the end “ChannelRateLimitReached: Too many channels”.",
    remedy="Return a function from the effect that calls `removeChannel` (onUnmounted, onDestroy, ngOnDestroy "
    "elsewhere).",
    verify="`supabase.getChannels().length` is the same before and after visiting the page",
    notes=(10, 11, 12),
)
def channel_not_removed(code: Reviewed) -> Iterator[Found]:
    """A channel lives until it is removed, not until its component does. Each mount adds one, React's StrictMode mounts
    twice, and a socket has 100 at most."""
    for file, channel in code.channels:
        place = _mounted(file, channel)
        if channel.subscribed is None or place is None or _is_given_up(channel):
            continue
        effect = channel.effect
        what = "its cleanup forgets this channel" if effect is not None and effect.cleanup else "nothing is cleaned up"
        cause = f"The channel {channel.topic} outlives {_component(channel)}: each mount adds one more"
        evidence = f"subscribed in {effect.name if effect is not None else 'setup'} (line {place.line}), and {what}"
        yield Found(channel.created, evidence, cause, _cleanup(file, channel), (place,))


def _mounted(file: FileFacts, channel: Channel) -> Place | None:
    """Where a component subscribes when it appears; None if that is not what makes it subscribe."""
    where = channel.subscribed_where
    if where.in_handler is not None:
        return None
    if channel.effect is not None and where.in_effect:
        return channel.effect.place
    inner = where.function
    setup = file.language in ("vue", "svelte") and inner is not None and inner.kind == "component"
    return channel.created if setup else None


def _cleanup(file: FileFacts, channel: Channel) -> str:
    name = channel.variable or "channel"
    call = remove(file.language, channel.client, name)
    keep = "" if channel.variable else f"const {name} = {channel.client or 'supabase'}.channel(…)…\n"
    around = {
        "vue": f"onUnmounted(() => {call})",
        "svelte": f"onDestroy(() => {call})",
        "onMounted": f"onUnmounted(() => {call})",
        "ngOnInit": f"ngOnDestroy() {{ {call} }}",
        "initState": f"dispose() {{ {call.removeprefix('await ')}; super.dispose(); }}",
        "componentDidMount": f"componentWillUnmount() {{ {call} }}",
    }
    mounted_by = channel.effect.name if channel.effect is not None else file.language
    return keep + around.get(mounted_by, f"return () => {{ {call} }}")


def _is_given_up(channel: Channel) -> bool:
    """Whether it is removed, or goes somewhere where it may be."""
    return bool(channel.removals or channel.escapes)


def _component(channel: Channel) -> str:
    return channel.where.component or "its component"


@failure(
    "An effect subscribes the channel that it makes",
    MULTIPLE,
    symptom="In development nothing arrives, or “tried to subscribe multiple times”; with each change of the effect's "
    "dependencies the subscription dies.",
    remedy="Make the channel inside of the effect, so that each run has one of its own.",
    verify="Under <StrictMode> the status ends with SUBSCRIBED and events arrive",
    notes=(11, 12),
)
def strict_mode_resubscribe(code: Reviewed) -> Iterator[Found]:
    """StrictMode runs each effect, its cleanup, and the effect again. A channel from outside is then subscribed after
    it was removed: the client does not hand messages to it any more."""
    for file, channel in code.channels:
        where, subscribed = channel.where, channel.subscribed_where
        if (
            not is_react(file)
            or where.in_effect
            or where.in_render
            or not subscribed.in_effect
            or not subscribed.component
        ):
            continue
        again = [each for each in channel.removals if each.in_cleanup and each.where.in_effect]
        if channel.subscribed is not None and again and (where.component or where.at_module):
            made = "once for all components" if where.at_module else "once per component"
            cause = f"The channel {channel.topic} is made {made}, and subscribed again by each run of the effect"
            evidence = (
                f"subscribed in line {channel.subscribed.line}, removed in line {again[0].place.line} of the "
                f"same effect"
            )
            fix = f"const {_name(channel)} = {channel.client}.channel(…) inside of the effect, before its .on(…)"
            yield Found(channel.created, evidence, cause, fix, (channel.subscribed, again[0].place))


def _name(channel: Channel) -> str:
    return channel.variable if channel.variable.isidentifier() else "channel"


@failure(
    "Rendering does not subscribe",
    "https://react.dev/reference/rules/components-and-hooks-must-be-pure",
    symptom="Joins without end, “ClientJoinRateLimitReached: Too many joins per second”, and the socket is closed.",
    remedy="Subscribe in `useEffect`, and remove the channel in the function that it returns.",
    verify="One `phx_join` for each mount in the browser's network tab",
    notes=(10, 11),
)
def subscribe_in_render(code: Reviewed) -> Iterator[Found]:
    """A component's body runs with each render, and each event that sets state renders it again. Nothing removes what
    the last render subscribed."""
    for file, channel in code.channels:
        rendered = channel.where.in_render or (channel.subscribed is not None and channel.subscribed_where.in_render)
        if is_react(file) and rendered:
            cause = f"Each render of {channel.where.component} makes the channel {channel.topic}"
            call = remove(file.language, channel.client, "channel")
            fix = f"useEffect(() => {{\n  const channel = …\n  return () => {{ {call} }}\n}}, [])"
            holes = [part.name for part in channel.topic.parts if not isinstance(part, str)]
            fix = fix.replace("[]", f"[{', '.join(holes)}]")
            yield Found(channel.created, "in the body of a component, outside of effects and handlers", cause, fix)


@warning(
    "Effects that subscribe depend on what stays the same",
    RERENDER,
    symptom="CLOSED and SUBSCRIBED in turn; events between them are lost; joins per second near the quota.",
    remedy="Take what is made anew out of the dependencies: move it into the effect, or keep it with useMemo or "
    "useCallback.",
    verify="The effect runs once while the component is rendered several times",
    notes=(10, 11),
)
def unstable_dependencies(code: Reviewed) -> Iterator[Found]:
    """React compares dependencies by identity. An object, array or function that the body makes is another one in each
    render: the effect leaves the channel and joins it again each time, and what happens in between is lost."""
    for file, effect, channel in _effects(code):
        clients = {each.name for each in file.clients}
        loose = [each.text for each in effect.dependencies or () if each.stable is False and each.text not in clients]
        if loose:
            kept = [each.text for each in effect.dependencies or () if each.text not in loose]
            cause = (
                f"{listed(loose)} is made anew in each render: the channel {channel.topic} is left and joined each time"
            )
            fix = f"// {listed(loose)} inside of the effect, or kept by useMemo / useCallback\n}}, [{', '.join(kept)}])"
            evidence = f"dependencies {', '.join(each.text for each in effect.dependencies or ())}"
            yield Found(effect.place, evidence, cause, fix, (channel.created,))


@warning(
    "Effects that subscribe have dependencies",
    "https://react.dev/reference/react/useEffect#parameters",
    symptom="CLOSED and SUBSCRIBED in turn with each key that is typed; joins per second near the quota.",
    remedy="Give the effect an array of what it uses.",
    verify="The effect runs once while the component is rendered several times",
    notes=(10, 11),
)
def resubscribe_every_render(code: Reviewed) -> Iterator[Found]:
    """Without an array an effect runs after every render, and cleans up before: each time the channel is left and
    joined again, and what happens in between is lost."""
    for _, effect, channel in _effects(code):
        if effect.dependencies is None:
            holes = [part.name for part in channel.topic.parts if not isinstance(part, str)]
            cause = f"Each render leaves the channel {channel.topic} and joins it again"
            fix = f"}}, [{', '.join(dict.fromkeys(holes))}])"
            yield Found(effect.place, f"{effect.name} without a dependency array", cause, fix, (channel.created,))


def _effects(code: Reviewed) -> Iterator[tuple[FileFacts, Effect, Channel]]:
    """The effects of React that subscribe, each with the first of their channels."""
    for file, channel in code.channels:
        effect = channel.effect
        if effect is not None and is_react(file) and re.fullmatch(r"use\w*Effect", effect.name):
            yield file, effect, channel


@failure(
    "The client is made once",
    "https://supabase.com/docs/reference/javascript/initializing",
    symptom="“Multiple GoTrueClient instances detected”; a new WebSocket with each render; “Too many connected users”.",
    remedy="Make the client in a module of its own and import it, or keep it with `useState(() => createClient(…))`.",
    verify="One WebSocket in the browser's network tab, however often the component is rendered",
    notes=(12,),
)
def client_in_render(code: Reviewed) -> Iterator[Found]:
    """Each client has a socket, channels and a session of its own. One that a component's body makes is another one
    after each render."""
    for file in code.inventory.files:
        for client in file.clients:
            if client.where.in_render and is_react(file) and is_client_side(file) and _is_plain(file, client):
                name = client.name or "supabase"
                cause = f"Each render of {client.where.component} makes a client with a socket of its own"
                fix = (
                    f"export const {name} = {client.maker}(…) // in a module of its own; here: import {{ {name} }} "
                    f"from …"
                )
                yield Found(client.place, f"{client.maker} in the body of {client.where.component}", cause, fix)


def _is_plain(file: FileFacts, client: Client) -> bool:
    """Whether it is supabase-js's own, which keeps no client; `createBrowserClient` does."""
    return any(each.name == client.maker and each.module == "@supabase/supabase-js" for each in file.imports)


@failure(
    "Request handlers remove their channels",
    "https://github.com/supabase/supabase-js/issues/1729",
    symptom="The server's memory and its number of channels grow with each request, until “Too many channels”.",
    remedy="Remove the channel when the message is sent, or send over HTTP (`channel.httpSend`, or `realtime.send()` "
    "in the database).",
    verify="`supabase.getChannels().length` stays the same over many requests",
    notes=(12,),
)
def server_channel_leak(code: Reviewed) -> Iterator[Found]:
    """The client keeps each channel that was made, subscribed or not, until it is removed. A server's client lives as
    long as its process."""
    for file, channel in code.channels:
        handler = REQUEST_HANDLER.search(file.path) or (file.server is True and ACTIONS.search(file.path))
        if handler and not _is_given_up(channel) and channel.where.function is not None:
            name = channel.variable or "channel"
            cause = f"Each request leaves the channel {channel.topic} behind"
            fix = f"await {remove(file.language, channel.client, name)} // in `finally`"
            evidence = f"made in {channel.where.function.name or 'a request handler'} of {file.path}, and never removed"
            yield Found(channel.created, evidence, cause, fix)


@warning(
    "A topic belongs to one place",
    "https://github.com/supabase/supabase-js/issues/1722",
    symptom="Of two components one receives nothing, or both go silent when one of them disappears; “cannot add "
    "callbacks after subscribe()”.",
    remedy="Subscribe once in a provider or a store and hand the events on, or give each its own topic.",
    verify="Both components receive the same event, and one still does when the other is gone",
    notes=(12, 13),
)
def topic_shared(code: Reviewed) -> Iterator[Found]:
    """A client has one channel for each topic: the second component gets the first one's, whose bindings were already
    sent; who removes it removes it for both. Older clients join twice, and the server closes the first."""
    first: dict[tuple[str, str], tuple[FileFacts, Channel]] = {}
    for file, channel in code.channels:
        topic, client = exact(channel.topic), _client_module(file, channel)
        if not topic or not client or not channel.where.component or channel.through:
            continue
        earlier, other = first.setdefault((topic, client), (file, channel))
        if other.where.component == channel.where.component or (PAGE.search(file.path) and PAGE.search(earlier.path)):
            continue
        cause = f"{other.where.component} and {channel.where.component} share the channel {topic}"
        evidence = f"the same topic on the same client in {other.created.path}:{other.created.line}"
        fix = f"one hook or provider that subscribes to {topic}, or the topic {topic}:{channel.where.component.lower()}"
        yield Found(channel.created, evidence, cause, fix, (other.created,))


def _client_module(file: FileFacts, channel: Channel) -> str:
    """Whence both get their client: the module that the name is imported from; nothing if it is made otherwise."""
    root = channel.client.partition(".")[0]
    return next((each.file or each.module for each in file.imports if each.name == root), "")


RULES = (
    subscribe_in_render,
    channel_not_removed,
    strict_mode_resubscribe,
    client_in_render,
    resubscribe_every_render,
    unstable_dependencies,
    server_channel_leak,
    topic_shared,
)
