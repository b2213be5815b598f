"""Clients that are made, and calls that read or write tables and models."""

from __future__ import annotations

import re
from collections.abc import Iterator

from helpers.review.code.chained.chains import Chain, Source, text
from helpers.review.inventory import Client, KeyKind, PrismaCall, TableCall, Text

__all__ = ["clients_of", "prisma_calls", "table_calls"]

#: What makes a client, and where its key stands among the arguments.
_MAKERS = {
    "create_client": ("supabase_key", 1),
    "acreate_client": ("supabase_key", 1),
    "AsyncRealtimeClient": ("token", 1),
    "SupabaseClient": ("supabaseKey", 1),
    "createSupabaseClient": ("supabaseKey", 1),
}
_METHODS = frozenset({"select", "insert", "update", "upsert", "delete"})
_FILTERS = frozenset({"eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike"})
_PRISMA = frozenset(
    {
        *("find_many", "find_first", "find_unique", "count", "create", "create_many"),
        *("update", "update_many", "upsert", "delete", "delete_many"),
    }
)
_KINDS: tuple[tuple[str, KeyKind], ...] = (
    (r"service[_-]?role", "service_role"),
    (r"sb_secret|secret", "secret"),
    (r"publishable", "publishable"),
    (r"anon", "anon"),
)


def clients_of(source: Source, chains: list[Chain]) -> Iterator[Client]:
    """Places that make a client of Supabase."""
    for chain in chains:
        for link in chain.links:
            maker = _MAKERS.get(link.name)
            if maker is None or link.arguments is None or not link.arguments:
                continue
            written = text(link.named(maker[0]) or link.named("anonKey") or link.at(maker[1]))
            place = source.place(link.node, link.end)
            kind = _kind(written)
            yield Client(
                place,
                source.where(chain.node),
                source.holder(chain),
                link.name,
                Text(written[:60], False),
                kind,
                is_server_file=source.language == "python",
            )


def _kind(written: str) -> KeyKind:
    return next((kind for words, kind in _KINDS if re.search(words, written, re.IGNORECASE)), "unknown")


def table_calls(source: Source, chains: list[Chain]) -> Iterator[TableCall]:
    """``client.table("messages").select("id").eq("room_id", room)``, and with ``from``."""
    for chain in chains:
        at = next((at for at, each in enumerate(chain.links) if each.name in ("table", "from_", "from")), None)
        if at is None or not chain.links[at].arguments:
            continue
        rest = chain.links[at + 1 :]
        method = next((link for link in rest if link.name in _METHODS and link.arguments is not None), None)
        if method is None:
            continue
        conditions = tuple(
            (source.value(link.at(0)).value, link.name, source.value(link.at(1)))
            for link in rest
            if link.name in _FILTERS and link.arguments
        )
        yield TableCall(
            source.value(chain.links[at].at(0)),
            method.name,
            source.place(chain.links[at].node, chain.links[-1].end),
            source.where(chain.node),
            conditions,
            source.optional(method.at(0)) if method.name == "select" else None,
        )


def prisma_calls(source: Source, chains: list[Chain]) -> Iterator[PrismaCall]:
    """``await db.message.find_many(where={…})`` of Prisma Client Python."""
    if source.language != "python" or not re.search(r"^\s*(?:from|import)\s+prisma\b", source.content, re.MULTILINE):
        return
    for chain in chains:
        if len(chain.links) >= 2 and chain.links[-1].name in _PRISMA and chain.links[-1].arguments is not None:
            model, last = chain.links[-2], chain.links[-1]
            if model.arguments is None:
                method = re.sub(r"_(\w)", lambda found: found[1].upper(), last.name)
                keys = tuple(re.findall(r"[\"'](\w+)[\"']\s*:", text(last.named("where"))))
                place = source.place(model.node, last.end)
                yield PrismaCall(model.name, method, place, source.where(chain.node), keys)
