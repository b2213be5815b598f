"""Rules about policies: what they cost for each change and subscriber, and those that private channels need."""

from __future__ import annotations

import re
from collections.abc import Iterator

from helpers.review.database.facts import PolicyFacts, TableFacts
from helpers.review.rules.reviewed import Reviewed
from helpers.review.rules.rule import Found, failure, warning
from helpers.review.rules.tables import sql_name
from helpers.review.rules.words import listed

__all__ = ["RULES"]

RLS_PERFORMANCE = (
    "https://supabase.com/docs/guides/database/postgres/row-level-security#rls-performance-recommendations"
)
AUTHORIZATION = "https://supabase.com/docs/guides/realtime/authorization"
CALL = re.compile(r"auth\.(?:uid|jwt|role|email)\(\)|current_setting\([^()]*\)", re.I)
IN_SELECT = re.compile(r"select\s*\(*$", re.I)
_NAME = r"(?:\w+\.)?\"?\w+\"?(?:\.\"?\w+\"?)?"
_EQUAL = re.compile(rf"({_NAME})\s*(?:=\s*any\b|=|\bin\b)\s*(\(\s*select\b|\w+\.\w+\(|\(|{_NAME}|'[^']*')", re.I)
#: A column behind what is called or selected: `auth.uid() = owner_id`.
_AFTER_CALL = re.compile(rf"\)\s*=\s*({_NAME})(?!\s*\()", re.I)
_INNER = re.compile(
    r"\bselect\b(?P<list>.*?)\bfrom\s+(?P<table>[\w.\"]+)(?:\s+(?:as\s+)?(?P<alias>(?!where\b|join\b|on\b)\w+))?"
    r"(?:\s+where\b(?P<where>.*))?",
    re.I | re.S,
)


@warning(
    "Policies call functions once",
    RLS_PERFORMANCE,
    symptom="Lists and joins get slow as tables grow, under policies and not without.",
    remedy="Write `(select auth.uid())` in place of `auth.uid()`, and the same of every function that does not look "
    "at the row.",
    verify="EXPLAIN under the role shows an InitPlan, and the function is not in the filter",
)
def policy_call_per_row(code: Reviewed) -> Iterator[Found]:
    """A policy's expression is evaluated for each row. A function that does not look at the row gives each time the
    same; within a SELECT of its own PostgreSQL asks it once for the whole query."""
    for facts, policy in _policies(code):
        bare = [call for text in (policy.using, policy.check) for call in _bare_calls(text)]
        if bare and policy.place is not None:
            calls = listed(bare)
            cause = f"{calls} in policy “{policy.name}” runs once for each row of {sql_name(facts)}"
            yield Found(policy.place, _expressions(policy), cause, _altered(facts, policy))


def _bare_calls(text: str) -> list[str]:
    return [call.group() for call in CALL.finditer(text) if not IN_SELECT.search(text[: call.start()])]


def _expressions(policy: PolicyFacts) -> str:
    using = f"using ({policy.using})" if policy.using else ""
    check = f"with check ({policy.check})" if policy.check else ""
    return " ".join(filter(None, (using, check)))


def _altered(facts: TableFacts, policy: PolicyFacts) -> str:
    """The statement that gives the policy its expressions anew, each call in a select of its own."""
    using = f"\n  using ({_wrapped(policy.using)})" if policy.using else ""
    check = f"\n  with check ({_wrapped(policy.check)})" if policy.check else ""
    return f'alter policy "{policy.name}" on {sql_name(facts)}{using}{check};'


def _wrapped(text: str) -> str:
    def each(call: re.Match[str]) -> str:
        return call.group() if IN_SELECT.search(text[: call.start()]) else f"(select {call.group()})"

    return CALL.sub(each, text)


@warning(
    "What policies compare leads an index",
    RLS_PERFORMANCE,
    symptom="Lists get slower with each row, under policies and not without; changes arrive late when many subscribe.",
    remedy="Create an index that begins with the column.",
    verify="EXPLAIN under the role shows an index scan",
)
def policy_column_unindexed(code: Reviewed) -> Iterator[Found]:
    """A policy adds its condition to each query of the user, and Realtime asks it for each change and subscriber. A
    column that it compares and that leads no index means looking at every row."""
    for facts, policy in _policies(code):
        if policy.command not in ("ALL", "SELECT"):
            continue  # what is written is found by its key
        bare = list(dict.fromkeys(_unindexed(code, facts, policy.using)))
        if bare and policy.place is not None:
            names = listed(f"{sql_name(table)}.{column}" for table, column in bare)
            cause = f"Policy “{policy.name}” compares {names}, which leads no index: every row is looked at"
            fix = "\n".join(f"create index on {sql_name(table)} ({column});" for table, column in bare)
            related = tuple(table.place for table, _ in bare if table.place is not None)
            yield Found(policy.place, f"using ({policy.using})", cause, fix, related)


def _policies(code: Reviewed) -> Iterator[tuple[TableFacts, PolicyFacts]]:
    """The policies of tables that are listened to."""
    for facts, _ in code.declared(by_users=True):
        for policy in facts.policies:
            yield facts, policy


def _unindexed(code: Reviewed, facts: TableFacts, using: str) -> Iterator[tuple[TableFacts, str]]:
    """Columns that are compared and lead no index: of the table itself, and of one that is looked up unless another
    column of it does."""
    inner = _INNER.search(using)
    outer = using if inner is None else using[: inner.start()] + "select " + using[inner.end() :]
    for column, other in _compared(outer):
        if _known(facts, column) and not _leads(facts, column) and not other.startswith("'"):
            yield facts, column
    looked_up = _looked_up(code, inner) if inner is not None else None
    if inner is not None and looked_up is not None:
        columns = [column for column, _ in _compared(inner["where"] or "") if _known(looked_up, column)]
        if columns and not any(_leads(looked_up, column) for column in columns):
            yield looked_up, columns[0]


def _compared(text: str) -> Iterator[tuple[str, str]]:
    for found in _EQUAL.finditer(text):
        yield found[1].rpartition(".")[2].strip('"'), found[2]
        if "(" not in found[2] and "'" not in found[2]:
            yield found[2].rpartition(".")[2].strip('"'), found[1]
    for found in _AFTER_CALL.finditer(text):
        yield found[1].rpartition(".")[2].strip('"'), "("


def _looked_up(code: Reviewed, inner: re.Match[str]) -> TableFacts | None:
    schema, _, table = inner["table"].replace('"', "").rpartition(".")
    return code.inventory.database.table(table, schema or "public")


def _known(facts: TableFacts, column: str) -> bool:
    return facts.whole and facts.column(column) is not None


def _leads(facts: TableFacts, column: str) -> bool:
    keys = (*facts.indexes, facts.primary_key or ())
    return any(key and key[0] == column for key in keys)


@failure(
    "Private channels have a policy",
    AUTHORIZATION,
    symptom="“Unauthorized: You do not have permissions to read from this Channel topic”.",
    remedy="Create policies on `realtime.messages`: for SELECT to listen, for INSERT to send.",
    verify="The channel is SUBSCRIBED as the user",
    notes=(30,),
)
def private_without_policy(code: Reviewed) -> Iterator[Found]:
    """Who may join a private channel is decided by the policies on `realtime.messages`. There are none by default, and
    none means nobody."""
    database = code.inventory.database
    policies = [*database.policies, *(policy for table in database.tables for policy in table.policies)]
    private = [(file, channel) for file, channel in code.channels if channel.private]
    if not policies or not private or any((p.schema, p.table) == ("realtime", "messages") for p in policies):
        return
    _, first = private[0]
    topic = re.split(r"\{", first.topic.value)[0]
    matching = f"realtime.topic() like '{topic}%'" if topic else "realtime.topic() = …"
    cause = f"Nobody may join {first.topic}: it is private, and no migration has a policy on realtime.messages"
    fix = (
        f'create policy "listen to {topic or "topics"}" on realtime.messages\n  for select to authenticated using '
        f"({matching});"
    )
    others = tuple(channel.created for _, channel in private[1:])
    yield Found(
        first.created, f"{len(policies)} policies in the migrations, none on realtime.messages", cause, fix, others
    )


RULES = (policy_call_per_row, policy_column_unindexed, private_without_policy)
