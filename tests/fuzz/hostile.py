"""What no client should send: values, tokens, filters and messages, made from a seeded source of chance."""

from __future__ import annotations

import base64
import json
import random
import time
from typing import Any

import jwt

from helpers.lab import Lab
from helpers.wire.frames import Version
from tests.wire.recordings import recorded

__all__ = ["INJECTIONS", "Hostile"]

#: SQL that would change the database if anybody ran it; `canary` is a table that the siege looks at.
INJECTIONS = (
    "'; drop table canary; --",
    "1; delete from canary",
    '"; truncate canary; --',
    "') or 1=1; insert into canary values (2); --",
    "$$; drop table canary; $$",
    "\\'; drop table canary; --",
    "1) union select usename from pg_shadow --",
    "canary; drop table canary",
    'public"."canary',
    "x' || (select 1/0) || '",
    "{1,2};drop table canary",
    "(select pg_terminate_backend(pid) from pg_stat_activity)",
    "'||pg_sleep(60)||'",
)
_ODD_TEXTS = (
    "", " ", "\x00", "\u0000x", "\ufeff", "\u202e", "😀" * 50, "*", "%", "_", "realtime:", "realtime", "null", "true",
    "__proto__", "a" * 255, "a" * 256, "é" * 128, "\n", "\r\n\r\n", "../..", "#{1}", "${x}", "\ud7ff\ue000", "phoenix",
)  # fmt: skip
_EVENTS = (
    "phx_join", "phx_leave", "phx_reply", "phx_close", "phx_error", "heartbeat", "broadcast", "presence",
    "access_token", "system", "postgres_changes", "presence_state",
)  # fmt: skip
_OPERATORS = (
    "eq", "neq", "lt", "lte", "gt", "gte", "in", "like", "ilike", "is", "match", "imatch", "isdistinct", "not.eq",
    "not.in", "or", "fts", "cs", "",
)  # fmt: skip
_COLUMNS = ("id", "body", "tags", "doc", "nothing", 'id"', "id::text", "*", "")
_TABLES = ("canary", "fuzzed", "*", "pg_shadow", "users", "nowhere", "messages")
_SCHEMAS = ("public", "auth", "realtime", "pg_catalog", "*", "nowhere")


class Hostile:
    """A seeded enemy.

    Args:
        seed: the same seed says the same things.
        lab: whose keys it knows, as every browser knows the public one.
    """

    def __init__(self, seed: int, lab: Lab) -> None:
        self.chance = random.Random(seed)
        self._lab = lab
        self._overheard = [str(one.data) for one in recorded() if not one.from_server and isinstance(one.data, str)]

    def text(self) -> str:
        """Something that is no name."""
        kind = self.chance.randrange(6)
        if kind < 2:
            return self.chance.choice(_ODD_TEXTS)
        if kind < 4:
            return self.chance.choice(INJECTIONS)
        if kind == 4:
            return "".join(chr(self.chance.choice((0x20, 0x7F, 0x100, 0x1F600)) + 1) for _ in range(20))
        return self.chance.choice("xyz") * self.chance.choice((1, 1000, 100_000))

    def value(self, depth: int = 0) -> Any:
        """A JSON value."""
        kind = self.chance.randrange(8 if depth < 3 else 6)
        if kind == 0:
            return self.chance.choice((None, True, False))
        if kind == 1:
            return self.chance.choice((0, -1, 2**31, 2**53 + 1, 2**63, 2**64, 10**400, 0.1, -0.0, 1e308))
        if kind < 6:
            return self.text()
        if kind == 6:
            return [self.value(depth + 1) for _ in range(self.chance.randrange(4))]
        return {self.text(): self.value(depth + 1) for _ in range(self.chance.randrange(4))}

    def filter(self) -> Any:
        """What goes into the filter of a binding."""
        if self.chance.random() < 0.1:
            return self.value()
        parts = []
        for _ in range(self.chance.choice((1, 1, 1, 2, 5))):
            column = self.chance.choice((*_COLUMNS, self.text()))
            value = self.chance.choice((self.text(), "1", "(1,2)", "null", "(" + ",".join("1" * 101) + ")"))
            parts.append(f"{column}={self.chance.choice(_OPERATORS)}.{value}")
        return ",".join(parts)

    def binding(self) -> Any:
        """An entry of `postgres_changes`."""
        if self.chance.random() < 0.1:
            return self.value()
        binding: dict[str, Any] = {
            "event": self.chance.choice(("*", "INSERT", "update", "DELETE", self.value())),
            "schema": self.chance.choice((*_SCHEMAS, self.value())),
            "table": self.chance.choice((*_TABLES, self.value())),
        }
        if self.chance.random() < 0.7:
            binding["filter"] = self.filter()
        if self.chance.random() < 0.2:
            binding["select"] = self.chance.choice((["id"], [self.text()], self.value()))
        if self.chance.random() < 0.1:
            binding[self.text()] = self.value()
        return binding

    def topic(self) -> Any:
        """A topic, mostly one that can be joined."""
        if self.chance.random() < 0.1:
            return self.value()
        return "realtime:" + self.chance.choice(("a", "b", "noise", self.text()))

    def join_payload(self) -> Any:
        """What comes with a join."""
        if self.chance.random() < 0.1:
            return self.value()
        config: dict[str, Any] = {
            "broadcast": {"ack": self._flag(), "self": self._flag()},
            "presence": {"key": self.value(), "enabled": self._flag()},
            "private": self._flag(),
        }
        if self.chance.random() < 0.5:
            config["postgres_changes"] = [self.binding() for _ in range(self.chance.randrange(4))]
        if self.chance.random() < 0.2:
            config["broadcast"]["replay"] = {"since": self.value(), "limit": self.value()}
        if self.chance.random() < 0.2:
            config[self.chance.choice(list(config))] = self.value()
        payload: dict[str, Any] = {"config": config}
        if self.chance.random() < 0.4:
            payload["access_token"] = self.chance.choice((self.token(), self.value()))
        return payload

    def message(self, version: Version) -> bytes:
        """A text message that a server may get."""
        kind = self.chance.randrange(10)
        if kind == 0:
            return self.mutated(self.chance.choice(self._overheard).encode())
        if kind == 1:
            return self._nested()
        if kind == 2:
            return self.chance.randbytes(self.chance.choice((0, 1, 10, 1000)))
        event = self.chance.choice((*_EVENTS, self.text()))
        payload = self.join_payload() if event == "phx_join" else self._payload(event)
        ref, join_ref = self.chance.choice(("1", None, self.value())), self.chance.choice(("1", None, self.value()))
        if version is Version.V2:
            message: Any = [join_ref, ref, self.topic(), event, payload]
        else:
            message = {"topic": self.topic(), "event": event, "payload": payload, "ref": ref, "join_ref": join_ref}
        data = _encode(message)
        return self.mutated(data) if kind == 3 else data

    def push(self) -> bytes:
        """A binary message: the client's kinds of frame with lengths that are true or not."""
        topic, event, payload = _encode(self.topic())[:255], _encode(self.text())[:255], _encode(self.value())
        kind = self.chance.choice((0, 3, 3, 3, 1, 2, 4, 255))
        sizes = [1, 1, len(topic), len(event)] + ([0, self.chance.choice((0, 1, 7))] if kind == 3 else [])
        data = bytes((kind, *sizes)) + b"11" + topic + event + payload
        return self.mutated(data) if self.chance.random() < 0.5 else data

    def mutated(self, data: bytes) -> bytes:
        """The same with bytes changed, cut off, repeated or put in."""
        changed = bytearray(data)
        for _ in range(self.chance.choice((1, 2, 10))):
            at = self.chance.randrange(len(changed) + 1)
            kind = self.chance.randrange(4)
            if kind == 0 and at < len(changed):
                changed[at] = self.chance.randrange(256)
            elif kind == 1:
                del changed[at:]
            elif kind == 2:
                changed[at:at] = changed[at : at + 100]
            else:
                changed[at:at] = self.chance.choice((b"\x00", b"\xff", b"\xed\xa0\x80", b"[", b"{", b'"', b"\\u"))
        return bytes(changed)

    def forged_token(self) -> str:
        """A token that says it is of role service_role, and opens nothing."""
        info = self._lab.info
        claims = {"role": "service_role", "exp": int(time.time()) + 3600, "sub": self.text()[:100]}
        head, _, signature = info["anon_key"].split(".")
        kind = self.chance.randrange(5)
        if kind == 0:
            return _unsigned({"alg": self.chance.choice(("none", "None", "NONE", "", 5, None))}, claims)
        if kind == 1:
            return jwt.encode(claims, "the secret of another project, long enough", algorithm="HS256")
        if kind == 2:
            return jwt.encode(claims, info["anon_key"], algorithm=self.chance.choice(("HS256", "HS384", "HS512")))
        if kind == 3:
            return f"{head}.{_part(claims)}.{signature}"
        own = self._lab.token(algorithm="ES256").split(".")
        head = self.chance.choice((own[0], _part({"alg": "ES256", "kid": self.text()[:100]})))
        return f"{head}.{_part(claims)}.{self.chance.choice((own[2], signature, ''))}"

    def token(self) -> str:
        """A token that opens nothing, or is at least odd. None of them is good for more than role anon."""
        info = self._lab.info
        kind = self.chance.randrange(4)
        if kind == 0:
            return self.forged_token()
        if kind == 1:
            return self.mutated(info["anon_key"].encode()).decode("latin-1")
        if kind == 2:
            ends = (1, int(time.time()) + 60, 2**70)
            odd = {"role": self.chance.choice(("anon", "nobody")), "exp": self.chance.choice(ends)}
            return jwt.encode({**odd, "sub": self.text()[:100]}, info["jwt_secret"], algorithm="HS256")
        return self.chance.choice((info["anon_key"], info["publishable_key"], "sb_secret_x", "..", "a.b.c", ""))

    def _payload(self, event: str) -> Any:
        if event == "broadcast":
            return {"type": "broadcast", "event": self.text(), "payload": self.value()}
        if event == "presence":
            what = self.chance.choice(("track", "untrack", "TRACK", self.value()))
            return {"type": "presence", "event": what, "payload": self.value()}
        if event == "access_token":
            return {"access_token": self.chance.choice((self.token(), self.value()))}
        return self.value()

    def _nested(self) -> bytes:
        deep = self.chance.choice((10, 1000, 100_000))
        opening, closing = self.chance.choice(((b"[", b"]"), (b'{"a":', b"}")))
        inner = opening * deep + b"1" + closing * self.chance.choice((0, deep))
        if self.chance.random() < 0.3:
            return inner
        return b'["1","1","realtime:noise",' + self.chance.choice((b'"broadcast",', b'"phx_join",')) + inner + b"]"

    def _flag(self) -> Any:
        return self.chance.choice((True, False, None, "true", 1, self.value()))


def _encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return f"{_part({'typ': 'JWT', **header})}.{_part(claims)}."


def _part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
