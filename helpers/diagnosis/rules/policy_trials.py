"""Rules about what happened when policies were tried: whether they fail."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from helpers.diagnosis.evidence import Evidence, Missing, Policy, PolicyTrial, Table
from helpers.diagnosis.rules.policies import lets_read
from helpers.diagnosis.rules.rule import Verdict, failure, listed, ok, rule
from helpers.diagnosis.rules.sql import altered, literal, quoted, type_of

__all__ = ["RECURSION", "RULES", "TOO_LONG", "Tried", "named", "trials", "tried_on"]

RLS = "https://supabase.com/docs/guides/database/postgres/row-level-security"
#: SQLSTATEs: infinite recursion in a policy; a text that is not of the type; the limit of time.
RECURSION, BAD_TEXT, TOO_LONG = "42P17", "22P02", "57014"
SUBSELECT = re.compile(r"(\w+|\"(?:[^\"]|\"\")+\") IN \( SELECT ")
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
OWNED = re.compile(r"(\w+|\"(?:[^\"]|\"\")+\") = (?:\( SELECT auth\.uid\(\) AS uid\)|auth\.uid\(\))")

Tried = tuple[tuple[Table, PolicyTrial], ...]


def trials(evidence: Evidence) -> Tried | Missing:
    """Each policy that was tried, or why none was."""
    found = evidence.database
    if isinstance(found, Missing):
        return found
    tried = tuple((table, trial) for table in found.tables for trial in table.trials)
    return tried or Missing(found.untried or "no published table has policies, a key and somebody who may read it")


@rule(
    "Policies do not ask themselves",
    trials,
    RLS,
    symptom="“infinite recursion detected in policy for relation …” in REST; no change of any table arrives.",
    remedy="Move the look-up into a SECURITY DEFINER function, which policies do not apply to.",
    verify="Under `set local role authenticated`, SELECT finds rows and raises nothing",
    notes=(30,),
)
def policies_end(tried: Tried) -> Verdict:
    """A policy that reads its own table, or one whose policy leads back, asks itself again. PostgreSQL refuses the
    query. For Realtime an error in one policy loses the whole batch, of all tables and for all subscribers."""
    endless = [(table, trial) for table, trial in tried if trial.code == RECURSION]
    if not endless:
        return ok(tried_on(tried))
    cause = f"A policy of {named(endless)} leads back to itself; changes of other tables are lost with it"
    fix = "\n".join(dict.fromkeys(_looked_up(table) for table, _ in endless))
    return failure(_errors(endless), cause, fix)


@rule(
    "Policies take the user's id as it is",
    trials,
    "https://github.com/supabase/supabase-js/issues/553",
    symptom="With tokens of Clerk, Auth0 or Firebase no change arrives, not even of tables that everybody may read.",
    remedy="Compare the claim `sub` as text.",
    verify="Under the claims of such a token, SELECT finds the user's rows",
    notes=(6, 24),
)
def policies_take_sub(tried: Tried) -> Verdict:
    """`auth.uid()` casts the claim `sub` to uuid, and those services issue other texts. The cast fails while the
    policy is evaluated, and with it the whole batch of changes, of all tables and for all subscribers."""
    failing = [(table, trial) for table, trial in tried if _bad_sub(trial)]
    if not failing:
        return ok(tried_on(tried))
    cause = f"A policy of {named(failing)} casts `sub` to uuid, which {_sub(failing[0][1])!r} is not"
    return failure(_errors(failing), cause, "\n".join(_as_text(table) for table in dict(failing)))


@rule(
    "Policies can be evaluated",
    trials,
    RLS,
    symptom="No change arrives, of any table, while somebody subscribes to this one; nobody is told.",
    remedy="Make the policy's expression give true or false for every row and all claims.",
    verify="Under `set local role` and the claims, SELECT of a row by its key raises nothing",
    follows=("policies_end", "policies_take_sub", "policies_from_claims", "policy_functions_see"),
    notes=(24,),
)
def policies_evaluate(tried: Tried) -> Verdict:
    """Realtime asks for each change and each subscriber under the role and claims of his token. When a policy fails
    there (a table or function that the role may not use, a setting that is not set, a cast), Realtime gives up the
    whole batch."""
    failing = [(table, trial) for table, trial in tried if trial.error and trial.code not in (RECURSION, TOO_LONG)]
    failing = [(table, trial) for table, trial in failing if not _bad_sub(trial)]
    if not failing:
        return ok(tried_on(tried))
    cause = f"A policy of {named(failing)} fails: {failing[0][1].error}; the changes of other tables are lost with it"
    fix = "\n".join(dict.fromkeys(_mended(table, trial) for table, trial in failing))
    return failure(_errors(failing), cause, fix)


def tried_on(tried: Tried) -> str:
    return f"{len(tried)} tries on {len({table.name for table, _ in tried})} tables"


def named(tried: list[tuple[Table, PolicyTrial]]) -> str:
    return listed(dict.fromkeys(table.name for table, _ in tried))


def _errors(tried: list[tuple[Table, PolicyTrial]]) -> str:
    return listed(f"{table.name} as {trial.role}: {trial.error}" for table, trial in tried)


def _reading(table: Table, role: str = "") -> Iterator[Policy]:
    return (policy for policy in table.policies if lets_read(policy, *filter(None, [role])))


def _sub(trial: PolicyTrial) -> str:
    return str(json.loads(trial.claims).get("sub", ""))


def _bad_sub(trial: PolicyTrial) -> bool:
    return trial.code == BAD_TEXT and "uuid" in trial.error and UUID.fullmatch(_sub(trial)) is None


def _as_text(table: Table) -> str:
    compare = r"((\1)::text = (select auth.jwt() ->> 'sub'))"
    return "\n".join(altered(table, each, lambda text: OWNED.sub(compare, text)) for each in _reading(table))


def _looked_up(table: Table) -> str:
    """The first sub-select of a policy moved into a function of the owner's, where it stands alone."""
    for policy in _reading(table):
        found = SUBSELECT.search(policy.using)
        column = table.column(found.group(1).strip('"')) if found else None
        if found is None or column is None:
            continue
        start = found.end() - len("( SELECT ")
        end = _closing(policy.using, start)
        function = f"{quoted(table.name.schema)}.{quoted(f'{column.name} for {policy.name}')}()"
        query = policy.using[start + 1 : end].strip()
        using = f"{policy.using[:start]}(select {function}){policy.using[end + 1 :]}"
        return (
            f"create function {function} returns setof {type_of(column)}\n"
            f"  language sql stable security definer set search_path = '' as {literal(query)};\n"
            f"revoke execute on function {function} from public;\n"
            f"grant execute on function {function} to authenticated;\n"
            f"alter policy {quoted(policy.name)} on {table.name.quoted}\n  using ({using});"
        )
    return f"-- move what the policies of {table.name} look up into a SECURITY DEFINER function"


def _closing(text: str, opened: int) -> int:
    depth = 0
    for position in range(opened, len(text)):
        depth += (text[position] == "(") - (text[position] == ")")
        if depth == 0:
            return position
    return len(text) - 1


def _mended(table: Table, trial: PolicyTrial) -> str:
    """What cures the commonest errors; of the others, where to look."""
    setting = re.fullmatch(r'unrecognized configuration parameter "(.+)"', trial.error)
    if setting:
        call = re.compile(rf"current_setting\('{re.escape(setting.group(1))}'::text\)")
        loose = f"current_setting({literal(setting.group(1))}, true)"
        return "\n".join(altered(table, each, lambda text: call.sub(loose, text)) for each in _reading(table))
    denied = re.fullmatch(r"permission denied for (table|view|function|schema) (.+)", trial.error)
    if denied:
        return _granted(table, trial.role, *denied.groups())
    policies = listed(f"“{policy.name}”" for policy in _reading(table, trial.role))
    return f"-- {policies} on {table.name}: {trial.error}\n-- tried under {trial.claims}"


def _granted(table: Table, role: str, kind: str, name: str) -> str:
    if kind == "schema":
        return f"grant usage on schema {quoted(name)} to {role};"
    if kind == "function":
        functions = (each for policy in table.policies for each in policy.functions if each.name == name)
        return "\n".join(dict.fromkeys(f"grant execute on function {each.quoted} to {role};" for each in functions))
    read = {other for policy in table.policies for other, _ in policy.reads if other.table == name}
    return "\n".join(f"grant select on {other.quoted} to {role};" for other in sorted(read))


RULES = (policies_end, policies_take_sub, policies_evaluate)
