"""Effects: what they depend on, and whether they clean up."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from helpers.review.code.scripts.functions import wrapping_call
from helpers.review.code.scripts.module import Declaration, Module
from helpers.review.code.scripts.names import CLEANUP_HOOKS, CLEANUP_METHODS, EFFECTS
from helpers.review.code.scripts.standing import effect_function, last_name
from helpers.review.code.scripts.syntax import (
    FUNCTIONS,
    arguments,
    callee,
    field,
    is_call,
    returned_values,
    root_of,
    text,
    unwrapped,
)
from helpers.review.inventory import Dependency, Effect

__all__ = ["effect_of"]

#: Hooks whose result stays the same object until it is set.
_STABLE = frozenset(
    {
        "useState",
        "useRef",
        "useMemo",
        "useCallback",
        "useReducer",
        "useId",
        "useDispatch",
        "useRouter",
        "useQueryClient",
        "useEffectEvent",
        "useEvent",
        "JSON.stringify",
        "String",
        "Number",
        "Boolean",
    }
)
_NEW_LISTS = frozenset({"map", "filter", "slice", "concat", "sort", "toSorted", "keys", "values", "entries", "split"})
_MADE_ANEW = frozenset(
    {"object", "array", "arrow_function", "function_expression", "function_declaration", "new_expression"}
)


def effect_of(module: Module, node: Node) -> Effect | None:
    """The effect in which a node runs; None outside of effects."""
    function = effect_function(module, node)
    if function is None:
        return None
    call = wrapping_call(function)
    if call is None:
        name = text(field(function, "name"))
        return Effect(module.place(function), (), _has_cleanup_method(module), name)
    name = last_name(call)
    return Effect(module.place(call), _dependencies(module, call, name), _cleans_up(module, function), name)


def _dependencies(module: Module, call: Node, name: str) -> tuple[Dependency, ...] | None:
    given = arguments(call)
    if name not in EFFECTS:
        watched = given[0] if name == "watch" and given else None
        return (Dependency(text(watched), True),) if watched is not None else ()
    if len(given) < 2:
        return None
    if given[1].type != "array":
        return (Dependency(text(given[1]), None),)
    items = [child for child in given[1].named_children if child.type != "comment"]
    return tuple(Dependency(text(item), _is_stable(module, item)) for item in items)


def _is_stable(module: Module, item: Node) -> bool | None:
    node = unwrapped(item)
    if node is None or node.type in _MADE_ANEW:
        return False
    if node.type in ("string", "number", "template_string", "true", "false", "binary_expression", "unary_expression"):
        return True
    if is_call(node):
        return _is_stable_call(module, node)
    if node.type == "identifier":
        declaration = module.resolve(node)
        return _is_stable_name(module, declaration) if declaration is not None else None
    base = root_of(node)
    declaration = module.resolve(base) if base is not None and base.type == "identifier" else None
    return True if declaration is not None and declaration.scope == module.root else None


def _is_stable_name(module: Module, declaration: Declaration) -> bool | None:
    if declaration.scope == module.root:
        return True
    if declaration.kind == "parameter":
        anew = declaration.default is not None and declaration.default.type in _MADE_ANEW
        return False if anew else None
    value = declaration.value
    if value is None:
        return None
    if declaration.path:
        return True if is_call(value) and last_name(value) in _STABLE else None
    return False if value.type in _MADE_ANEW else _is_stable(module, value)


def _is_stable_call(module: Module, call: Node) -> bool | None:
    function = callee(call)
    name, whole = last_name(call), text(function)
    if name in _STABLE or whole in _STABLE:
        return True
    if name in _NEW_LISTS and function is not None and function.type == "member_expression":
        return False
    if name == "createClient" and function is not None and function.type == "identifier":
        declaration = module.resolve(function)
        if declaration is not None and declaration.module == "@supabase/supabase-js":
            return False
    return None


def _cleans_up(module: Module, function: Node) -> bool:
    if any(
        value.type in FUNCTIONS or value.type in ("identifier", "member_expression")
        for value in returned_values(function)
    ):
        return True
    if any(is_call(value) for value in returned_values(function)) and field(function, "body") is not None:
        return True
    return any(last_name(call) in CLEANUP_HOOKS for call in module.nodes("call")) and not _is_react(module)


def _is_react(module: Module) -> bool:
    return any(last_name(call) in EFFECTS for call in module.nodes("call"))


def _has_cleanup_method(module: Module) -> bool:
    return any(name in CLEANUP_METHODS for name in _methods(module))


def _methods(module: Module) -> Iterator[str]:
    for function in module.nodes("function"):
        if function.type == "method_definition":
            yield text(field(function, "name"))
