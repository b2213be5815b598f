"""From an inventory to what can be replayed: which screen subscribes to what, and what its tables are shaped like."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from helpers.review.database.facts import TableFacts
from helpers.review.inventory import Binding, Channel, FileFacts, Handler, Inventory
from helpers.review.plan.replay.comparing import Arrangement
from helpers.review.plan.replay.shapes import Column, Shape
from helpers.review.plan.replay.stage import mentions
from helpers.review.plan.replay.subscriptions import (
    ALL_KINDS,
    Kind,
    Poll,
    Reaction,
    Screen,
    Stream,
    SubscriptionSet,
    Wish,
)
from helpers.review.plan.replay.values import plain_type
from helpers.review.plan.usage import Usage
from helpers.wire.filters import FilterError, Operator, parse_filter

__all__ = ["READS", "application_of", "change_bindings", "guard_of", "screen_name", "stream_name"]

#: Of a table that no file of the code base declares.
_ASSUMED = (Column(name="id", type="bigint"), Column(name="body", type="text"))
_LARGE = ("text", "json", "jsonb", "bytea")
READS = ("refetch", "table_read", "prisma_read", "invalidate", "router_refresh")


def application_of(inventory: Inventory, usage: Usage) -> Arrangement:
    """All screens that subscribe to changes of tables that can be told, and these tables."""
    screens = [screen for file in inventory.files for screen in _screens(file, usage)]
    subscriptions = SubscriptionSet(screens=tuple(screens))
    groups = _groups(inventory)
    asked = _asked_tables(inventory, subscriptions.tables, groups)
    shapes = [
        *(_shape(name, inventory, usage, groups.get(by), by, asked=True) for name, by in asked.items()
          if name not in subscriptions.tables),
        *(_shape(name, inventory, usage, groups.get(name), name, asked=name in asked)
          for name in subscriptions.tables),
    ]  # fmt: skip
    return Arrangement(tuple(shapes), subscriptions)


def screen_name(file: FileFacts, channel: Channel) -> str:
    """The component or hook that makes a channel, else the function, else the file."""
    inner = channel.where.function
    return channel.where.component or (inner.name if inner else "") or PurePosixPath(file.path).stem


def stream_name(channel: Channel) -> str:
    """A channel's, which no other channel has."""
    through = channel.through[0] if channel.through else channel.created
    return f"{channel.created}@{through}" if channel.through else str(channel.created)


def change_bindings(channel: Channel) -> tuple[Binding, ...]:
    """Those that become wishes, in their order: postgres_changes of a table that the code names."""
    return tuple(
        binding
        for binding in channel.bindings
        if binding.kind == "postgres_changes" and binding.table is not None and binding.table.exact
    )


def guard_of(handler: Handler | None) -> str | None:
    """The column by which a handler drops rows that are not its own; None if it takes all."""
    if handler is None:
        return None
    for comparison in handler.comparisons:
        if (
            comparison.guards
            and comparison.outside
            and comparison.side == "new"
            and comparison.operator in ("===", "==")
        ):
            return comparison.column
    return None


def _screens(file: FileFacts, usage: Usage) -> Iterator[Screen]:
    """Of one file, those that subscribe to changes."""
    streams: dict[str, list[tuple[Channel, Stream]]] = {}
    for channel in file.channels:
        wishes = tuple(_wish(binding) for binding in change_bindings(channel))
        if wishes:
            name = screen_name(file, channel)
            streams.setdefault(name, []).append((channel, _stream(channel, wishes, usage.screen(name).visits)))
    for name, found in streams.items():
        used = usage.screen(name)
        tables = {wish.table for _, stream in found for wish in stream.wishes}
        yield Screen(
            name=name,
            streams=tuple(stream for _, stream in found),
            users=1 if file.server else used.users,
            sockets=_sockets(file, name, [channel for channel, _ in found], used.visits),
            polls=tuple(_polls(file, name, tables)),
        )


def _stream(channel: Channel, wishes: tuple[Wish, ...], visits: int) -> Stream:
    """What nobody removes is there as often as the screen was opened."""
    leaks = channel.effect is not None and channel.subscribed is not None and not channel.removals
    return Stream(name=stream_name(channel), wishes=wishes, copies=visits if leaks else 1)


def _sockets(file: FileFacts, screen: str, channels: list[Channel], visits: int) -> int:
    """One, unless the screen makes its client anew whenever it is drawn: then at least one for each visit."""
    names = {channel.client for channel in channels}
    anew = any(
        client.where.in_render and client.where.component == screen and client.name in names for client in file.clients
    )
    return visits if anew else 1


def _polls(file: FileFacts, screen: str, tables: set[str]) -> Iterator[Poll]:
    for poll in file.polls:
        if poll.every_ms and poll.where.component == screen:
            for table in poll.tables:
                if table in tables:
                    yield Poll(table=table, every_s=poll.every_ms / 1e3)


def _reaction(handler: Handler | None) -> Reaction:
    reads = [deed for deed in handler.deeds if deed.kind in READS and not deed.key] if handler is not None else []
    if not reads:
        return Reaction.APPLY
    return Reaction.COALESCE if all(deed.timed for deed in reads) else Reaction.REFETCH


def _wish(binding: Binding) -> Wish:
    handler = binding.handler
    event = binding.event.value.upper() if binding.event.exact else "*"
    guard = guard_of(handler)
    said = {kind for kind in ALL_KINDS if handler and handler.events and kind in handler.events}
    asked = event if event in ALL_KINDS else "*"
    kinds = tuple(
        kind
        for kind in ALL_KINDS
        if asked in ("*", kind) and (not said or kind in said) and not (guard and kind is Kind.DELETE)
    )
    return Wish(
        table=binding.table.value if binding.table else "",
        event=asked,
        filtered=_filter_column(binding) is not None,
        guarded=guard is not None or _filter_column(binding) is not None,
        handles=kinds,
        select=tuple(binding.select.value.split(",")) if binding.select and binding.select.exact else None,
        reaction=_reaction(handler),
    )


def _filter_column(binding: Binding) -> str | None:
    """The column by which a binding's filter picks the screen's own rows."""
    if binding.filter is None:
        return None
    try:
        conditions = parse_filter(binding.filter.value)
    except FilterError:
        return None
    return next(
        (one.column for one in conditions if one.operator in (Operator.EQ, Operator.IN) and not one.negated), None
    )


def _groups(inventory: Inventory) -> dict[str, str]:
    """Of each table, the column by which most bindings pick rows."""
    found: dict[str, Counter[str]] = {}
    for channel in inventory.channels:
        for binding in change_bindings(channel):
            column = _filter_column(binding) or guard_of(binding.handler)
            if column and binding.table:
                found.setdefault(binding.table.value, Counter())[column] += 1
    return {table: columns.most_common(1)[0][0] for table, columns in found.items()}


def _asked_tables(inventory: Inventory, tables: Iterable[str], groups: Mapping[str, str]) -> dict[str, str]:
    """Tables that the policies of these ask, and by which of these: best by one whose groups they know."""
    found: dict[str, str] = {}
    for name in tables:
        table = inventory.database.table(name)
        for other in inventory.database.tables:
            if other.schema != "public" or other.name == name or table is None:
                continue
            if any(mentions(policy.using, other.name) for policy in table.policies):
                knows_group = other.column(groups.get(name, "")) is not None
                if knows_group or other.name not in found:
                    found[other.name] = name
    return found


def _shape(name: str, inventory: Inventory, usage: Usage, group: str | None, grouped: str, *, asked: bool) -> Shape:
    """One table.

    Args:
        group: the column by which rows are picked; grouped: the table whose usage says how many values it has.
        asked: whether policies look up in it who belongs to what.
    """
    facts, used = inventory.database.table(name), usage.table(name)
    columns = _columns(facts, group)
    large = [column for column in columns if plain_type(column.type) in _LARGE and column.name != group]
    unstated = max(1, sum(column.name not in used.column_bytes for column in large))
    sized = tuple(
        Column(name=column.name, type=column.type, size_bytes=used.column_bytes.get(
            column.name, used.row_bytes // unstated if column in large else 0))
        for column in columns
    )  # fmt: skip
    key = facts.primary_key if facts and facts.primary_key else ("id",)
    own = group if any(column.name == group for column in sized) else None
    groups = 1 if own is None else max(1, round(1 / usage.table(grouped).match_share))
    persons = any(plain_type(column.type) == "uuid" and column.name != own for column in sized)
    return Shape(
        name=name,
        columns=sized if any(column.name in key for column in sized) else (Column(name=key[0], type="bigint"), *sized),
        key=key,
        group=own,
        groups=groups,
        memberships=min(usage.memberships, groups) if asked and own is not None and persons else 0,
        rows=used.rows,
        replica_identity="full" if facts and facts.identity == "full" else "default",
        policies=_policies(facts),
        secured=bool(facts and facts.row_security and _policies(facts)),
        indexes=tuple(index for index in facts.indexes if index and index != key) if facts else (),
    )


def _columns(facts: TableFacts | None, group: str | None) -> tuple[Column, ...]:
    if facts is not None and facts.columns:
        return tuple(Column(name=column.name, type=column.type or "text") for column in facts.columns)
    return (*_ASSUMED, *((Column(name=group, type="bigint"),) if group and group != "id" else ()))


def _policies(facts: TableFacts | None) -> tuple[str, ...]:
    """Of those that say who may read."""
    if facts is None:
        return ()
    return tuple(policy.using for policy in facts.policies if policy.command in ("ALL", "SELECT") and policy.using)
