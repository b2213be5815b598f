"""Presence of one topic: who is there, under which key, with which meta; and what changes when one comes or goes."""

from __future__ import annotations

import base64
import itertools
import struct
import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

__all__ = ["Presence", "PresenceDiff"]

Meta = dict[str, Any]
_sequence = itertools.count()


def new_ref() -> str:
    """A `phx_ref`: 16 characters that differ for each track, and grow with time."""
    packed = struct.pack(">QI", time.time_ns(), next(_sequence) & 0xFFFFFFFF)
    return base64.urlsafe_b64encode(packed).decode()


@dataclass(frozen=True, slots=True)
class PresenceDiff:
    """What a `presence_diff` message carries."""

    joins: dict[str, list[Meta]]
    leaves: dict[str, list[Meta]]

    def payload(self) -> dict[str, Any]:
        return {"joins": _grouped(self.joins), "leaves": _grouped(self.leaves)}


def _grouped(metas: dict[str, list[Meta]]) -> dict[str, Any]:
    return {key: {"metas": entries} for key, entries in metas.items()}


class Presence:
    """The members of one topic. A member is whatever tracks (a channel); it has one meta under one key."""

    __slots__ = ("_members",)

    def __init__(self) -> None:
        self._members: dict[Hashable, tuple[str, dict[str, Any], Meta]] = {}

    def track(self, member: Hashable, key: str, payload: dict[str, Any]) -> PresenceDiff | None:
        """Enter or update a member; None when its payload is the same as before."""
        before = self._members.get(member)
        if before is not None and before[1] == payload:
            return None
        meta: Meta = {"phx_ref": new_ref()}
        if before is not None:
            meta["phx_ref_prev"] = before[2]["phx_ref"]
        meta |= {name: value for name, value in payload.items() if name not in ("phx_ref", "phx_ref_prev")}
        self._members[member] = (key, payload, meta)
        return PresenceDiff({key: [meta]}, {before[0]: [before[2]]} if before else {})

    def untrack(self, member: Hashable) -> PresenceDiff | None:
        """Remove a member; None when it was not there."""
        before = self._members.pop(member, None)
        return PresenceDiff({}, {before[0]: [before[2]]}) if before else None

    def state(self) -> dict[str, Any]:
        """The payload of a `presence_state` message: key → metas, several when members share a key."""
        metas: dict[str, list[Meta]] = {}
        for key, _, meta in self._members.values():
            metas.setdefault(key, []).append(meta)
        return _grouped(metas)
