"""Rules about the functions that policies call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from helpers.diagnosis.evidence import Function, Policy, Table, TableName
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning
from helpers.diagnosis.rules.sql import altered, quoted

__all__ = ["RULES"]

LINTER = "https://supabase.com/docs/guides/database/database-advisors"
RLS_PERFORMANCE = (
    "https://supabase.com/docs/guides/database/postgres/row-level-security#rls-performance-recommendations"
)
#: What PostgreSQL evaluates once for each row unless a SELECT around it makes it an init plan.
PER_ROW = re.compile(
    r"auth\.(?:uid|jwt|role|email)\(\)|current_setting\('[^']*'(?:::text)?(?:, (?:true|false))?\)", re.IGNORECASE
)
IN_SELECT = re.compile(r"select\s*\(*$", re.IGNORECASE)
#: An argument is the same for each row if nothing is left of it but numbers and signs: quoted texts, casts, calls of
#: auth's functions and these words are taken away first.
CONSTANT = re.compile(r"'(?:[^']|'')*'|::[\w. \"\[\]]+|auth\.\w+\(\)|\b(?:true|false|null)\b", re.IGNORECASE)
#: Settings that the REST API makes for each request and Realtime does not.
OF_REQUEST = re.compile(
    r"current_setting\('request\.(?:headers|method|path|cookies)'(?:::text)?(?:, (?:true|false))?\)"
)

Found = list[tuple[Table, Policy]]


@rule(
    "Policies call functions once",
    needs.published_tables,
    RLS_PERFORMANCE,
    symptom="Lists and joins get slow as tables grow, under policies and not without.",
    remedy="Write `(select auth.uid())` in place of `auth.uid()`, and the same of every function that does not look "
    "at the row.",
    verify="EXPLAIN under the role shows an InitPlan, and the function is not in the filter",
)
def policies_wrapped(tables: tuple[Table, ...]) -> Verdict:
    """A policy's expression is evaluated for each row. A function whose arguments do not depend on the row gives each
    time the same; within a SELECT of its own PostgreSQL asks it once for the whole query."""
    found = [(table, policy) for table in tables for policy in table.policies if _bare(policy)]
    if not found:
        return ok(f"{sum(len(table.policies) for table in tables)} policies looked at")
    calls = listed(dict.fromkeys(call.group() for _, policy in found for call in _bare(policy)))
    cause = f"{calls} runs once for each row instead of once for each query: lists and joins get slow"
    fix = "\n".join(altered(table, policy, partial(_wrapped, policy)) for table, policy in found)
    return warning(f"not wrapped in a SELECT: {_named(found)}", cause, fix)


@rule(
    "Policies look at claims alone",
    needs.published_tables,
    "https://github.com/supabase/realtime/issues/562",
    symptom="REST shows the rows, and not one of their changes arrives.",
    remedy="Put what the policy needs into the token's claims, and read it from `auth.jwt()`.",
    verify="The policy names no setting `request.headers`, `request.method`, `request.path` or `request.cookies`",
    notes=(24,),
)
def policies_from_claims(tables: tuple[Table, ...]) -> Verdict:
    """The REST API sets headers, method and path of the request for the time of a query. Realtime evaluates policies
    when there is no request: only the claims are set, and the rest is null, or an error."""
    found = [
        (table, policy)
        for table in tables
        for policy in table.policies
        if policy.command in ("ALL", "SELECT") and OF_REQUEST.search(policy.using)
    ]
    if not found:
        return ok("no policy looks at a request's headers, method, path or cookies")
    cause = f"{_named(found)} looks at the HTTP request, which Realtime does not have: it shows no row, or fails"
    fix = "-- with the value as a claim of the token\n" + "\n".join(
        altered(table, policy, lambda text: OF_REQUEST.sub("(select auth.jwt())::text", _unwrapped(text)))
        for table, policy in found
    )
    return failure(_named(found), cause, fix)


@rule(
    "Functions of policies see what they look up",
    needs.published_tables,
    "https://github.com/supabase/supabase/issues/4683",
    symptom="A policy that looks something up shows too little, or fails with “stack depth limit exceeded”.",
    remedy="Make the function SECURITY DEFINER with a search_path of its own, in a schema that the API does not show.",
    verify="Under `set local role authenticated` and the user's claims, the function gives what it should",
    notes=(24, 30),
)
def policy_functions_see(tables: tuple[Table, ...]) -> Verdict:
    """A function runs with the rights of who calls it, unless it is SECURITY DEFINER: it sees of other tables what
    their policies show. If it reads the very table of the policy, each row asks the policy again, without end."""
    calls = {(function, table.name) for table, policy in _reading(tables) for function in policy.functions}
    blind = sorted({f for f, _ in calls if f.reads and not f.definer}, key=lambda function: function.quoted)
    if not blind:
        return ok("no policy calls a function that reads a secured table as the caller")
    endless = [function for function, name in calls if name in function.reads and not function.definer]
    seen = listed(f"{f.schema}.{f.name} reads {listed(f.reads)}" for f in blind)
    fix = "\n".join(
        f"alter function {f.quoted} security definer set search_path = {_path(f)};" for f in (endless or blind)
    )
    if endless:
        cause = f"The policy asks {endless[0].schema}.{endless[0].name}, which asks the policy: without end"
        return failure(seen, cause, fix)
    return note(seen, f"Policies decide by {seen}, of which they see only what the user may see himself", fix)


@rule(
    "Functions with their owner's rights have a search_path",
    needs.published_tables,
    LINTER,
    symptom="The linter warns (function_search_path_mutable); under Realtime's path a function finds another table.",
    remedy="Set a search_path on the function, or qualify every name in it and set an empty one.",
    verify="proconfig of the function has a search_path",
)
def policy_functions_path(tables: tuple[Table, ...]) -> Verdict:
    """Names in a function are looked up in the caller's search_path, which a caller can change. With SECURITY DEFINER
    he makes the function, and with it the policy, look at tables of his own."""
    loose = {
        function
        for table in tables
        for policy in table.policies
        for function in policy.functions
        if function.definer and not function.has_path
    }
    if not loose:
        return ok("each function of a policy with its owner's rights has a search_path")
    ordered = sorted(loose, key=lambda function: function.quoted)
    seen = listed(f"{function.schema}.{function.name}" for function in ordered)
    fix = "\n".join(f"alter function {function.quoted} set search_path = {_path(function)};" for function in ordered)
    return warning(seen, f"{seen} runs with its owner's rights under any search_path that a caller sets", fix)


def _reading(tables: tuple[Table, ...]) -> Iterator[tuple[Table, Policy]]:
    """Policies that are asked when a row is read."""
    for table in tables:
        yield from ((table, policy) for policy in table.policies if policy.command in ("ALL", "SELECT"))


def _named(found: Found) -> str:
    return listed(f"“{policy.name}” on {table.name}" for table, policy in found)


def _path(function: Function) -> str:
    schemas = dict.fromkeys([function.schema, *(table.schema for table in function.reads)])
    return ", ".join([*map(quoted, schemas), "pg_temp"])


def _bare(policy: Policy) -> list[re.Match[str]]:
    return [call for text in (policy.using, policy.check) for call in _bare_calls(text, policy)]


def _bare_calls(text: str, policy: Policy) -> list[re.Match[str]]:
    calls = list(PER_ROW.finditer(text))
    for function in policy.functions:
        if function.volatility != "immutable":
            calls += _constant_calls(text, function)
    bare = [call for call in calls if not IN_SELECT.search(text[: call.start()])]
    # A call within another one is wrapped with it.
    inner = {call for call in bare for other in bare if other.start() < call.start() and call.end() <= other.end()}
    return sorted((call for call in bare if call not in inner), key=lambda call: call.start())


def _constant_calls(text: str, function: Function) -> Iterator[re.Match[str]]:
    """Calls of the function whose arguments do not look at the row."""
    name = TableName(function.schema, function.name)
    spelled = r"\.".join(f'"?{re.escape(part.replace(chr(34), chr(34) * 2))}"?' for part in (name.schema, name.table))
    for begin in re.finditer(rf"(?<![\w.\"]){spelled}\(", text):
        end = _closing(text, begin.end())
        if re.search(r"[a-z_\"]", CONSTANT.sub("", text[begin.end() : end]), re.IGNORECASE) is None:
            call = re.compile(re.escape(text[begin.start() : end + 1])).match(text, begin.start())
            assert call is not None, "a text matches itself"
            yield call


def _closing(text: str, start: int) -> int:
    """Where the parenthesis closes that was opened before `start`; quotes hide parentheses."""
    depth, quote = 1, ""
    for position in range(start, len(text)):
        sign = text[position]
        if quote or sign in "'\"":
            quote = "" if sign == quote else quote or sign
        else:
            depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return position
    return len(text)


def _wrapped(policy: Policy, text: str) -> str:
    for call in reversed(_bare_calls(text, policy)):
        text = f"{text[: call.start()]}(select {call.group()}){text[call.end() :]}"
    return text


def _unwrapped(text: str) -> str:
    """Without the SELECT around a setting of the request, as the claims get one of their own."""
    return re.sub(rf"\( SELECT ({OF_REQUEST.pattern}) AS current_setting\)", r"\1", text)


RULES = (policies_wrapped, policies_from_claims, policy_functions_see, policy_functions_path)
