"""That the comparison finds each kind of fault, and none where there is none."""

from __future__ import annotations

from tests.soak.verdict import Fact, Heard, Judgement, judge

#: Two connections that commit two changes each, the last of both to one row.
FACTS = (
    Fact("a1", "x", 1, ("a", "row 1")),
    Fact("b1", "x", 2, ("b", "row 2")),
    Fact("a2", "x", 3, ("a", "row 3")),
    Fact("b2", "x", 4, ("b", "row 3")),
)


def judged(*heard: str, content: str = "x") -> Judgement:
    return judge("somebody", FACTS, [Heard(key, content, 0.0) for key in heard])


def faults(judgement: Judgement) -> dict[str, int]:
    found = {kind: len(getattr(judgement, kind)) for kind in Judgement.KINDS}
    return {kind: count for kind, count in found.items() if count}


def test_what_happened_in_any_order_of_the_connections_holds() -> None:
    """Between two connections order is promised only for a row that both have changed."""
    for heard in (("a1", "b1", "a2", "b2"), ("b1", "a1", "a2", "b2"), ("a1", "a2", "b1", "b2")):
        assert judged(*heard).holds


def test_something_that_was_not_heard_is_lost() -> None:
    """Each is named."""
    judgement = judged("a1", "b2")
    assert faults(judgement) == {"lost": 2}
    assert judgement.examples() == ["somebody: lost: b1 x", "somebody: lost: a2 x"]


def test_something_heard_twice_is_doubled() -> None:
    """Even at once, and however often."""
    assert faults(judged("a1", "b1", "b1", "b1", "a2", "b2")) == {"doubled": 1}


def test_something_that_never_was_is_foreign() -> None:
    """Such as a row that was rolled back."""
    assert faults(judged("a1", "b1", "ghost", "a2", "b2")) == {"foreign": 1}


def test_another_content_is_wrong() -> None:
    """Each time."""
    assert faults(judged("a1", "b1", "a2", "b2", content="y")) == {"wrong": 4}


def test_an_order_other_than_that_of_a_connection_is_found() -> None:
    """As is one other than that of a row."""
    assert faults(judged("a2", "a1", "b1", "b2")) == {"reordered": 1}
    assert faults(judged("a1", "b1", "b2", "a2")) == {"reordered": 1}


def test_nothing_to_be_heard_proves_nothing() -> None:
    """A subscriber for whom nothing happened does not hold."""
    assert not judge("somebody", (), ()).holds
