"""The rules as a whole: each has a page, and together they cover the known problems."""

from __future__ import annotations

from graphlib import TopologicalSorter
from typing import Any

import pytest

from helpers.diagnosis.pages import AREAS
from helpers.diagnosis.rules import RULES, Rule
from tests.diagnosis.scenarios import SCENARIOS

FEWEST = 60
TEXTS = ("title", "symptom", "why", "remedy", "verify", "source")
#: The known problems of Supabase Realtime and Prisma on it, by the numbers in the rules' `notes`.
PROBLEMS = {
    1: "timers of a tab in the background",
    2: "CHANNEL_ERROR after hours in a daemon",
    3: "Node without a WebSocket",
    4: "rejoining with the old token after standby",
    5: "the access token expires under the channel",
    6: "tokens of another issuer",
    7: "client versions that keep or lose the token",
    8: "self-hosted: nobody refreshes the token",
    9: "what is missed while reconnecting",
    10: "more than 100 channels on a socket",
    11: "effects that mount twice",
    12: "channels removed, doubled or leaked",
    13: "bindings of server and client do not match",
    14: "written between SUBSCRIBED and the system message",
    15: "unable to subscribe with the given parameters",
    16: "the publication's tables are read once a minute",
    17: "a reset empties the publication",
    18: "the grammar of filters, and names as patterns",
    19: "chosen columns",
    20: "DELETE with a filter on a column that is not in the log",
    21: "of a deleted row only the key",
    22: "deleted rows stay on the screen",
    23: "only DELETEs arrive",
    24: "silence once row-level security is on",
    25: "rows that leave a filter or somebody's sight",
    26: "large values missing in an UPDATE",
    27: "changes over a mebibyte",
    28: "errors 400 and 401 in place of the row",
    29: "new tables are granted to nobody",
    30: "private channels without permission",
    31: "presence too often",
    32: "realtime.send fails with a warning only",
    33: "slots that keep the log, or lose it",
    34: "changes dropped over the limit",
    35: "names of enums with capitals",
    36: "prisma migrate reset drops what Realtime needs",
    37: "replica identity is not Prisma's to keep",
    38: "the shadow database",
    39: "drift in Supabase's own schemas",
    40: "Prisma passes row-level security by",
    41: "default privileges of another role",
    42: "prepared statements behind a pooler",
    43: "limits of connections and transactions",
    44: "names in the database and in Prisma",
    45: "whole numbers and decimals as JavaScript numbers",
    46: "times, bytes and JSON look otherwise",
    47: "defects of the Python client",
}
#: Problems that no rule can see, with the reason.
BEYOND: dict[int, str] = {}
#: By how often they are met and how silent they are; equally severe, the earlier is told first.
FREQUENT = (
    *("publication_there", "tables_published", "select_granted", "rls_with_policy", "replica_identity", "enum_names"),
    *("large_rows", "private_channels", "slot_lost"),
)


def test_each_is_shown_to_fire_and_to_be_cured() -> None:
    """No rule without a scenario that breaks a real thing: `python -m tests.diagnosis.scenarios` prints all."""
    assert {rule.id for rule in RULES} - {scenario.rule for scenario in SCENARIOS} == set()


def test_there_are_enough() -> None:
    """So many that a person could not go through them by hand."""
    assert len(RULES) >= FEWEST


def test_each_has_a_name_of_its_own() -> None:
    """A name is stable and stands for one rule."""
    names = [rule.id for rule in RULES]
    assert sorted(set(names)) == sorted(names)


def module_of(rule: Rule[Any]) -> str:
    return rule.judge.__module__.rpartition(".")[2]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_has_a_whole_page(rule: Rule[Any]) -> None:
    """What you will see, why, what to do, how to see that it helped, and where it is from."""
    assert [name for name in TEXTS if not getattr(rule, name)] == []
    assert rule.source.startswith("https://")


def test_each_is_of_an_area() -> None:
    """A reader finds each rule under a heading."""
    assert {module_of(rule) for rule in RULES} - set(AREAS) == set()


def test_what_a_rule_follows_is_there_and_no_circle() -> None:
    """A consequence names causes that there are, and no rule explains itself in the end."""
    follows = {rule.id: set(rule.follows) for rule in RULES}
    assert {name for names in follows.values() for name in names} - set(follows) == set()
    assert len(list(TopologicalSorter(follows).static_order())) == len(RULES)


def test_the_known_problems_are_covered() -> None:
    """Each is found by a rule, or it is said why none can."""
    covered = {number for rule in RULES for number in rule.notes}
    assert covered - set(PROBLEMS) == set()
    assert {number: PROBLEMS[number] for number in set(PROBLEMS) - covered - set(BEYOND)} == {}
    assert covered & set(BEYOND) == set()


def test_frequent_and_silent_causes_are_told_first() -> None:
    """Of several findings of one severity, the one that is most often the cause comes first."""
    names = [rule.id for rule in RULES]
    places = [names.index(name) for name in FREQUENT]
    assert places == sorted(places)
