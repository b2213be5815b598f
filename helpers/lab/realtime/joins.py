"""What a client asks for when it joins a topic, read as leniently as the genuine server reads it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

from helpers.lab.changes import binding_id, legacy_binding

__all__ = ["TOPIC_PREFIX", "JoinRefused", "JoinRequest", "Replay"]

TOPIC_PREFIX = "realtime:"
_CHANGES_WAIT_MS = 15_000  # payloads/postgres_changes_options.ex
_MISSHAPEN = "no function clause matching in Access.get/3"


class JoinRefused(Exception):  # noqa: N818 - it is an answer, not a fault
    """A join that is answered with an error. `closes_socket` when the server then ends the whole connection."""

    def __init__(self, code: str, sentence: str, *, closes_socket: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence
        self.reason = f"{code}: {sentence}"
        self.closes_socket = closes_socket


@dataclass(frozen=True, slots=True)
class Replay:
    """Which past broadcasts a joining client wants: the newest `limit` since a time (Unix milliseconds)."""

    since: Any
    limit: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinRequest:
    """A join's payload. What is missing, or of a wrong type, has its default: nobody is told.

    `changes_wait_s` is how long the reply shall wait for the subscription to changes; None if it need not.
    """

    topic: str
    token: str | None = field(default=None, repr=False)
    private: bool = False
    ack: bool = False
    receives_own: bool = False
    presence_enabled: bool = False
    presence_key: str = ""
    replication_ready: bool = False
    replay: Replay | None = None
    legacy: bool = False
    bindings: tuple[dict[str, Any], ...] = ()
    changes_wait_s: float | None = None

    @property
    def channel_name(self) -> str:
        """The topic without its prefix, as policies and system messages name it."""
        return self.topic.removeprefix(TOPIC_PREFIX)

    @property
    def accepted_bindings(self) -> list[dict[str, Any]]:
        """The bindings with their ids, as the reply to the join lists them."""
        return [{**binding, "id": binding_id(binding)} for binding in self.bindings]

    @classmethod
    def parse(cls, topic: str, payload: Any) -> JoinRequest:
        """Read a join.

        Raises:
            JoinRefused: the few shapes on which the genuine server stumbles, with what it says then.
        """
        if topic == TOPIC_PREFIX:
            raise JoinRefused("TopicNameRequired", "You must provide a topic name")
        if not isinstance(payload, dict):
            shown = "nil" if payload is None else repr(payload)
            raise JoinRefused("UnknownErrorOnChannel", f"expected params to be a :map, got: `{shown}`")
        legacy = "config" not in payload
        config = _section(payload, "config")
        broadcast, presence = _section(config, "broadcast"), _section(config, "presence")
        key = presence.get("key")
        return cls(
            topic=topic,
            token=_token(payload),
            private=_flag(config.get("private")),
            ack=_flag(broadcast.get("ack")),
            receives_own=_flag(broadcast.get("self")),
            presence_enabled=_flag(presence.get("enabled")),
            presence_key=key if isinstance(key, str) and key else str(uuid.uuid1()),
            replication_ready=_flag(broadcast.get("replication_ready")),
            replay=_replay(broadcast),
            legacy=legacy,
            bindings=_bindings(topic, config, legacy=legacy),
            changes_wait_s=_changes_wait_s(config),
        )


def _section(parent: dict[str, Any], name: str) -> dict[str, Any]:
    section = parent.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise JoinRefused("UnknownErrorOnChannel", _MISSHAPEN)
    return section


def _flag(value: Any) -> bool:
    """A boolean as forms cast it: the words and numbers for true count too."""
    return value is True or value in (1, "1") or (isinstance(value, str) and value.lower() == "true")


def _token(payload: dict[str, Any]) -> str | None:
    """The user's token. A key in its place means: that of the connection."""
    tokens = (payload.get(name) for name in ("user_token", "access_token"))
    token = next((token for token in tokens if isinstance(token, str)), None)
    return None if token is None or token.startswith("sb_") else token


def _replay(broadcast: dict[str, Any]) -> Replay | None:
    wish = broadcast.get("replay")
    return Replay(wish.get("since"), wish.get("limit", 25)) if isinstance(wish, dict) else None


def _changes_wait_s(config: dict[str, Any]) -> float | None:
    options = config.get("postgres_changes_options")
    if not isinstance(options, dict) or not _flag(options.get("wait")):
        return None
    try:
        return _milliseconds(options.get("timeout")) / 1000
    except (ValueError, OverflowError):
        return _CHANGES_WAIT_MS / 1000


def _milliseconds(value: Any) -> int:
    """A time as forms cast it: the digits of a number count too.

    Raises:
        ValueError: it is none, or not above zero.
    """
    if isinstance(value, bool) or not isinstance(value, int | str) or int(value) <= 0:
        raise ValueError(value)
    return int(value)


def _bindings(topic: str, config: dict[str, Any], *, legacy: bool) -> tuple[dict[str, Any], ...]:
    if legacy:
        return (legacy_binding(topic.removeprefix(TOPIC_PREFIX)),)
    wishes = config.get("postgres_changes")
    if not isinstance(wishes, list):
        return ()
    for wish in wishes:
        if wish is not None and not isinstance(wish, dict):
            shown = f'"{wish}"' if isinstance(wish, str) else repr(wish)
            raise JoinRefused("UnknownErrorOnChannel", f"expected a map, got:\n\n    {shown}\n")
    return tuple(wish for wish in wishes if wish is not None)
