"""Supabase clients, the keys that they are made with, and how Realtime gets its tokens."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator

from tree_sitter import Node

from helpers.review.code.scripts.effects import effect_of
from helpers.review.code.scripts.functions import declared_name
from helpers.review.code.scripts.module import Module
from helpers.review.code.scripts.objects import object_node
from helpers.review.code.scripts.options import flat_options
from helpers.review.code.scripts.standing import last_name, where
from helpers.review.code.scripts.syntax import (
    arguments,
    callee,
    field,
    method_call,
    outermost,
    properties,
    text,
)
from helpers.review.code.scripts.values import evaluate
from helpers.review.inventory import AuthUse, Client, KeyKind, Text

__all__ = ["auth_uses", "clients", "key_kind"]

_MAKERS = frozenset(
    {
        "createClient",
        "createBrowserClient",
        "createServerClient",
        "createClientComponentClient",
        "createServerComponentClient",
        "createPagesBrowserClient",
        "createPagesServerClient",
        "createMiddlewareClient",
        "createRouteHandlerClient",
        "createServerActionClient",
    }
)
#: Of other modules a function of one of these names is a wrapper of the application's own.
_MODULES = re.compile(r"^(npm:|jsr:|https?://.*)?@?supabase\b|@supabase/")
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]*")
#: Characters of a literal key that are shown.
SHOWN = 8


def clients(module: Module, server: bool | None) -> Iterator[Client]:
    """The calls that make a client. `server` says where the file runs."""
    for call in module.nodes("call"):
        function = callee(call)
        if function is None or last_name(call) not in _MAKERS or not _is_supabase(module, function):
            continue
        given = arguments(call)
        key = given[1] if len(given) > 1 and "Client" in last_name(call) else None
        value = evaluate(module, key)
        yield Client(
            module.place(call),
            where(module, call),
            _variable(call),
            last_name(call),
            _shown(value) if key is not None else Text("?", False),
            key_kind(value) if key is not None else "unknown",
            _options(module, given),
            server,
        )


def _is_supabase(module: Module, function: Node) -> bool:
    base = function if function.type == "identifier" else field(function, "object")
    declaration = module.resolve(base) if base is not None else None
    if declaration is None:
        return text(base) == "supabase"  # the script from a CDN: `supabase.createClient(…)`
    if declaration.kind == "import":
        return bool(_MODULES.search(declaration.module))
    return "supabase" in text(declaration.value) and "require(" in text(declaration.value)


def _variable(call: Node) -> str:
    parent = outermost(call).parent
    if parent is not None and parent.type == "variable_declarator":
        return text(field(parent, "name"))
    return text(field(parent, "left")) if parent is not None and parent.type == "assignment_expression" else ""


def _options(module: Module, given: list[Node]) -> tuple[tuple[str, Text], ...]:
    return flat_options(module, given[2]) if len(given) > 2 else ()


def _shown(key: Text) -> Text:
    """A key of which a literal is cut short."""
    if not key.exact:
        return key
    return Text(f"{key.value[:SHOWN]}…")


def key_kind(key: Text) -> KeyKind:
    """What a key allows: by its form if it is a literal, by the name of the variable that holds it else."""
    if key.exact:
        return _kind_of_literal(key.value)
    name = key.value.upper()
    if "SERVICE_ROLE" in name or "SERVICE_KEY" in name or "SERVICEROLE" in name:
        return "service_role"
    if "SECRET_KEY" in name or "SUPABASE_SECRET" in name:
        return "secret"
    if "PUBLISHABLE" in name:
        return "publishable"
    return "anon" if "ANON" in name or "PUBLIC_KEY" in name else "unknown"


def _kind_of_literal(key: str) -> KeyKind:
    if key.startswith("sb_secret_"):
        return "secret"
    if key.startswith("sb_publishable_"):
        return "publishable"
    if not _JWT.fullmatch(key):
        return "unknown"
    body = key.split(".")[1]
    try:
        role = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))).get("role")
    except (ValueError, binascii.Error, AttributeError):
        return "unknown"
    return role if role in ("anon", "service_role") else "unknown"


def auth_uses(module: Module) -> Iterator[AuthUse]:
    """`realtime.setAuth`, `auth.onAuthStateChange`, and the option `accessToken`."""
    for call in module.nodes("call"):
        owner, given = method_call(call), arguments(call)
        if owner is None:
            yield from _access_token(module, call, given)
        elif owner[1] == "setAuth":
            argument = text(given[0])[:80] if given else ""
            effect, handed = effect_of(module, call), bool(given) and _is_handed(module, given[0])
            yield AuthUse("set_auth", module.place(call), where(module, call), argument, effect, handed)
        elif owner[1] == "onAuthStateChange":
            yield AuthUse("on_auth_state_change", module.place(call), where(module, call))
        else:
            yield from _access_token(module, call, given)


def _is_handed(module: Module, token: Node) -> bool:
    """Whether a token is the parameter of a function with a name, which others call."""
    declaration = module.resolve(token) if token.type == "identifier" else None
    function = declaration.function if declaration is not None and declaration.kind == "parameter" else None
    return function is not None and bool(declared_name(module, function))


def _access_token(module: Module, call: Node, given: list[Node]) -> Iterator[AuthUse]:
    if last_name(call) not in _MAKERS or len(given) < 3:
        return
    for name, value in properties(object_node(module, given[2])):
        if name == "accessToken":
            yield AuthUse("access_token", module.place(value), where(module, call), text(value)[:80])
