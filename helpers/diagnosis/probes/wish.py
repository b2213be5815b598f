"""Reads a join's configuration as the server reads it: leniently, and without a word about what it does not take."""

from __future__ import annotations

import copy
import difflib
import json
import time
from collections.abc import Mapping
from typing import Any

from helpers.diagnosis.evidence import Misreading, Wish

__all__ = ["read_wish"]

#: What a join's `config` may hold (phx_join.schema.json of supabase/realtime), and of which type.
SHAPE: dict[str, Any] = {
    "private": bool,
    "broadcast": {"ack": bool, "self": bool, "replication_ready": bool, "replay": dict},
    "presence": {"key": str, "enabled": bool},
    "postgres_changes": list,
    "postgres_changes_options": dict,
}
#: What the server takes in the place of what it does not understand.
DEFAULTS: dict[type, object] = {bool: False, str: "", dict: None, list: []}
TRUE_WORDS, FALSE_WORDS = ("true", "1"), ("false", "0")


def read_wish(config: Mapping[str, Any]) -> Wish:
    """The places at which what the server takes differs from what was meant.

    Args:
        config: what is given as the second argument of ``supabase.channel``, or its inner ``config``.
    """
    started = time.monotonic()
    inner = config["config"] if isinstance(config.get("config"), Mapping) else config
    mended, found = copy.deepcopy(dict(inner)), list[Misreading]()
    _read(mended, SHAPE, "config", found)
    return Wish(tuple(found), json.dumps({"config": mended}), (time.monotonic() - started) * 1000)


def _read(section: dict[str, Any], shape: Mapping[str, Any], path: str, found: list[Misreading]) -> None:
    for name in list(section):
        value = section[name]
        if name not in shape:
            _rename(section, name, shape, path, found)
        elif isinstance(shape[name], Mapping):
            if isinstance(value, dict):
                _read(value, shape[name], f"{path}.{name}", found)
            elif value is not None:
                found.append(Misreading(f"{path}.{name}", json.dumps(value), "a refused join"))
                del section[name]
        elif not _is_taken(value, shape[name]):
            found.append(Misreading(f"{path}.{name}", json.dumps(value), json.dumps(DEFAULTS[shape[name]])))
            section[name] = _meant(value, shape[name])


def _rename(section: dict[str, Any], name: str, shape: Mapping[str, Any], path: str, found: list[Misreading]) -> None:
    """A name that the server does not know: the one that was meant, if there is one so like it, takes its place."""
    value = section.pop(name)
    found.append(Misreading(f"{path}.{name}", json.dumps(value), "nothing: there is no such setting"))
    like = difflib.get_close_matches(name.lower(), shape, 1)
    if like and like[0] not in section:
        section[like[0]] = value if _is_taken(value, shape[like[0]]) else _meant(value, shape[like[0]])


def _is_taken(value: Any, kind: Any) -> bool:
    if isinstance(kind, Mapping):
        return isinstance(value, dict)
    if value is None or isinstance(value, kind):
        return True
    return kind is bool and str(value).lower() in (*TRUE_WORDS, *FALSE_WORDS)


def _meant(value: Any, kind: type) -> Any:
    """Whoever writes "yes" wants it; what cannot be guessed gets the default, now visibly."""
    if kind is bool:
        return str(value).strip().lower()[:1] in ("y", "t", "1")
    return str(value) if kind is str else DEFAULTS[kind]
