"""Rules about triggers that broadcast what changes in a table."""

from __future__ import annotations

import re

from helpers.diagnosis.evidence import Broadcast, Database, Evidence, Missing, Table
from helpers.diagnosis.rules.messages import lets
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning
from helpers.diagnosis.rules.sql import literal, names, per_table, quoted

__all__ = ["RULES"]

FROM_DATABASE = "https://supabase.com/docs/guides/realtime/broadcast#broadcast-from-the-database"
FOR_EACH = re.compile(r"FOR EACH STATEMENT")

Pairs = list[tuple[Table, Broadcast]]


def broadcasting(evidence: Evidence) -> Database | Missing:
    """The database, if a trigger broadcasts."""
    found = evidence.database
    if isinstance(found, Missing) or any(table.broadcasts for table in found.tables):
        return found
    return Missing("no trigger broadcasts")


@rule(
    "Triggers broadcast each row",
    broadcasting,
    FROM_DATABASE,
    symptom="Every write to the table fails: “function can only be triggered for each row”.",
    remedy="Create the trigger FOR EACH ROW.",
    verify="A write succeeds, and its row arrives",
    notes=(32,),
)
def broadcast_each_row(database: Database) -> Verdict:
    """`realtime.broadcast_changes` takes the old and the new row, which a trigger for each statement does not have: it
    raises, and the write is undone."""
    wrong = [(table, each) for table, each in _pairs(database) if each.whole_rows and not each.for_each_row]
    if not wrong:
        return ok(f"{len(_pairs(database))} triggers broadcast")
    cause = f"The trigger {_triggers(wrong)} broadcasts rows and has none: every write that fires it fails"
    fix = "\n".join(
        f"drop trigger {quoted(each.trigger)} on {table.name.quoted};\n{FOR_EACH.sub('FOR EACH ROW', each.definition)};"
        for table, each in wrong
    )
    return failure(f"for each statement: {_triggers(wrong)}", cause, fix)


@rule(
    "Triggers broadcast with their owner's rights",
    broadcasting,
    FROM_DATABASE,
    symptom="Rows that users write are not broadcast, those of the server are; only the log has a warning.",
    remedy="Make the trigger's function SECURITY DEFINER.",
    verify="A write of a user arrives on the topic",
    notes=(32,),
)
def broadcast_as_owner(database: Database) -> Verdict:
    """A trigger runs with the rights of who writes, who may not insert into realtime.messages unless a policy lets
    him. `realtime.send` turns that error into a warning: the write succeeds, and nothing is sent."""
    policies = database.messages.policies if database.messages else ()
    weak = [(table, each) for table, each in _pairs(database) if table.write_roles and not each.definer]
    if not weak or lets(policies, "INSERT"):
        return ok("each function that broadcasts runs as its owner, or users may write to realtime.messages")
    cause = f"What users write is not broadcast by {_triggers(weak)}: they may not write to realtime.messages"
    fix = "\n".join(dict.fromkeys(f"alter function {each.function} security definer;" for _, each in weak))
    return warning(f"with the writer's rights: {_triggers(weak)}", cause, fix)


@rule(
    "Broadcasts from the database can be received",
    broadcasting,
    FROM_DATABASE,
    symptom="Triggers send, realtime.messages has the rows, and nobody receives one.",
    remedy="Create a policy for SELECT on realtime.messages for the topics of the triggers, and join with "
    "`private: true`.",
    verify="A private channel of the topic is joined, and a write arrives",
    notes=(30, 32),
)
def broadcast_received(database: Database) -> Verdict:
    """What the database broadcasts goes to private channels unless it says otherwise, and nobody may join one without
    a policy on realtime.messages."""
    private = [(table, each) for table, each in _pairs(database) if each.private]
    policies = database.messages.policies if database.messages else ()
    if not private or lets(policies, "SELECT"):
        return ok("a policy lets channels be read")
    topics = sorted({each.topic for _, each in private})
    condition = " or ".join(f"(select realtime.topic()) like {literal(_escaped(topic) + '%')}" for topic in topics)
    fix = (
        'create policy "receive broadcasts of the database" on realtime.messages for select to authenticated\n'
        f"  using ({condition});"
    )
    cause = f"{_triggers(private)} sends to private channels, which nobody may join"
    return warning(f"no policy for SELECT on realtime.messages; topics {listed(topics)}…", cause, fix)


@rule(
    "Changes are sent once",
    broadcasting,
    FROM_DATABASE,
    symptom="Clients handle each change twice, or Realtime sends twice what it must.",
    remedy="Take the table out of the publication when its clients have moved to Broadcast.",
    verify="The table either has a trigger or is in the publication",
)
def broadcast_once(database: Database) -> Verdict:
    """A table that is both published and broadcast by a trigger is decoded, checked against policies for each
    subscriber, and sent as a message too. That is right while clients move from one to the other."""
    double = [table for table in database.tables if table.broadcasts and table.published and table.kind == "table"]
    if not double:
        return ok("no table is both published and broadcast")
    cause = f"Changes of {names(double)} are sent twice: by Postgres Changes and by a trigger's Broadcast"
    fix = "-- when no client subscribes to its changes any more:\n"
    return note(
        f"published and broadcast: {names(double)}",
        cause,
        fix + per_table(double, "alter publication supabase_realtime drop table {};"),
    )


def _pairs(database: Database) -> Pairs:
    return [(table, each) for table in database.tables for each in table.broadcasts]


def _triggers(pairs: Pairs) -> str:
    return listed(f"{each.trigger} on {table.name}" for table, each in pairs)


def _escaped(topic: str) -> str:
    return topic.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


RULES = (broadcast_each_row, broadcast_as_owner, broadcast_received, broadcast_once)
