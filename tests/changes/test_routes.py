"""The index from changes to bindings gives what a scan of all bindings would give."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from helpers.lab.changes.admission import Admitted
from helpers.lab.changes.bindings import Binding
from helpers.lab.changes.conditions import compile_check
from helpers.lab.changes.routes import Routes
from helpers.lab.changes.subscription import Subscription
from helpers.lab.changes.types import PgType
from helpers.wire.filters import Operator

INT8 = PgType(20, "int8", "bigint", "int8", "b", 0, False)
VALUES = st.sampled_from(["1", "2", "3"])
CONDITIONS = st.tuples(
    st.sampled_from(["a", "b"]),
    st.sampled_from([Operator.EQ, Operator.NEQ, Operator.IN]),
    st.lists(VALUES, min_size=1, max_size=2),
    st.booleans(),
)
EVENTS = st.sampled_from(["*", "INSERT", "DELETE"])
BINDINGS = st.lists(st.tuples(EVENTS, st.integers(1, 2), st.lists(CONDITIONS, max_size=2)), max_size=3)


Conditions = list[tuple[str, Operator, list[str], bool]]


def admitted(position: int, event: str, table: int, conditions: Conditions) -> Admitted:
    checks = tuple(
        compile_check(column, INT8, operator, "", negated, values if operator is Operator.IN else values[:1])
        for column, operator, values, negated in conditions
    )
    return Admitted(Binding(position, event, "s", "t", (), None), position, table, checks)


def passes(one: Admitted, event: str, table: int, row: dict[str, str | None]) -> bool:
    if one.table_oid != table or one.binding.event not in ("*", event):
        return False
    return all(
        check.column in row and check.evaluate is not None and check.evaluate(row[check.column]) for check in one.checks
    )


def subscription() -> Subscription:
    return Subscription((), ("anon", "{}"), lambda batch: None)


@given(
    st.lists(BINDINGS, max_size=6),
    st.sets(st.integers(0, 5)),
    st.sampled_from(["INSERT", "UPDATE", "DELETE"]),
    st.integers(1, 2),
    st.dictionaries(st.sampled_from(["a", "b"]), st.none() | VALUES),
)
def test_index_equals_scan(
    subscriptions: list[list[tuple[str, int, Conditions]]],
    leavers: set[int],
    event: str,
    table: int,
    row: dict[str, str | None],
) -> None:
    """For any bindings, any departures and any row, exactly the bindings are found that a scan finds."""
    routes, expected = Routes(), []
    members = [subscription() for _ in subscriptions]
    for number, (member, bindings) in enumerate(zip(members, subscriptions, strict=True)):
        ones = [admitted(position, *binding) for position, binding in enumerate(bindings)]
        routes.replace(member, ones)
        if number not in leavers:
            expected += [(id(member), one) for one in ones if passes(one, event, table, row)]
    for number in leavers & set(range(len(members))):
        routes.remove(members[number])
    found = []
    if routes.concern(table, event):
        found = [
            (id(member), route.admitted)
            for route in routes.candidates(table, event, row)
            for members in route.group.members.values()
            for member in members
            if all(c.column in row and c.evaluate and c.evaluate(row[c.column]) for c in route.checks)
        ]
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert len(routes) == len(members) - len(leavers & set(range(len(members))))


def test_nothing_is_left_behind() -> None:
    """When all have left, no table concerns anybody."""
    routes, member = Routes(), subscription()
    routes.replace(member, [admitted(0, "*", 1, [("a", Operator.IN, ["1", "2"], False)]), admitted(1, "INSERT", 1, [])])
    assert routes.concern(1, "INSERT") and routes.roles([1]) == {"anon"}
    routes.remove(member)
    assert not routes.concern(1, "INSERT") and not routes.concern(1, "UPDATE") and routes.roles([1]) == set()


def test_those_who_ask_for_the_same_are_matched_once() -> None:
    """Equal bindings of one role are one group; a new role moves its subscription to another one, at the next batch."""
    routes, members = Routes(), [subscription() for _ in range(3)]
    for member in members:
        routes.replace(member, [admitted(0, "*", 1, [])])
    (route,) = routes.candidates(1, "INSERT", {})
    assert list(route.group.members.values()) == [dict.fromkeys(members)]
    routes.look_with(members[0], ("authenticated", "{}"))
    assert routes.roles([1]) == {"anon"}
    routes.renew()
    assert {route.group.role for route in routes.candidates(1, "INSERT", {})} == {"anon", "authenticated"}
