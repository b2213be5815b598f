"""What code does beside its channels that bears on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from helpers.review.inventory.effects import Effect
from helpers.review.inventory.text import Text
from helpers.review.inventory.where import NOWHERE, Where
from helpers.review.source import Place

__all__ = ["AuthUse", "Poll", "PrismaCall", "Rendering", "TableCall"]


@dataclass(frozen=True, slots=True)
class Poll:
    """Something that is done again and again.

    Attributes:
        every_ms: None if the code computes it.
        target: the function or query that is run.
        kind: ``setInterval``, ``refetchInterval``, ``refreshInterval``, ``pollInterval``.
        tables: that it reads, as far as the calls could be followed: names of tables, and of Prisma's models.
    """

    place: Place
    where: Where
    every_ms: float | None = None
    target: str = ""
    kind: str = "setInterval"
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthUse:
    """A place that deals with Realtime's token.

    Attributes:
        argument: the token's expression, as written.
        effect: in which it runs.
        handed: whether the function around was given the token, so that its callers decide when it is renewed.
    """

    kind: Literal["set_auth", "on_auth_state_change", "access_token"]
    place: Place
    where: Where = NOWHERE
    argument: str = ""
    effect: Effect | None = None
    handed: bool = False


@dataclass(frozen=True, slots=True)
class PrismaCall:
    """``prisma.message.findMany(…)``. `key` are the fields of its `where`."""

    model: str
    method: str
    place: Place
    where: Where = NOWHERE
    key: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableCall:
    """``supabase.from('messages').select('id').eq('room_id', roomId)``.

    Attributes:
        method: select, insert, update, upsert or delete.
        conditions: the filters, as ``(column, operator, value)``.
        select: the columns asked for; None without any.
    """

    table: Text
    method: str
    place: Place
    where: Where = NOWHERE
    conditions: tuple[tuple[str, str, Text], ...] = ()
    select: Text | None = None


@dataclass(frozen=True, slots=True)
class Rendering:
    """A component that another one shows. `where.in_loop` tells whether once per row."""

    component: str
    place: Place
    where: Where
