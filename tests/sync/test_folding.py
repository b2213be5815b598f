"""Many changes, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.prisma.datamodel import parse_datamodel
from helpers.resilience import CHECKPOINT, Item
from helpers.sync import Converter, Folded, item_of
from helpers.sync import fold as fold_items
from helpers.wire.events import Change


def fold(changes: Iterable[Change], converter: Converter) -> Folded:
    """Changes as a channel of the table brings them."""
    return fold_items([item_of(change, converter) for change in changes], converter)


CONVERTER = Converter.of(
    parse_datamodel('model Row {\n id Int @id\n body String\n price Decimal @map("cost")\n @@map("rows")\n}'),
    "rows",
    lambda value: value,
)


def change(kind: str, key: int, **values: Any) -> Change:
    """A change of `rows`."""
    record = {} if kind == "DELETE" else {"id": key, **values}
    return Change(
        topic="t", received_at=0.0, size_bytes=0, ids=(), schema="public", table="rows", type=kind,
        commit_timestamp=None, columns=(), record=record, old_record={"id": key}, errors=(),
    )  # fmt: skip


def test_the_last_word_counts() -> None:
    """Insert, update, delete and insert again of one row is that last insert."""
    folded = fold(
        [
            change("INSERT", 1, body="a", cost=1),
            change("UPDATE", 1, body="b", cost=1),
            change("INSERT", 2, body="c", cost=1),
            change("DELETE", 2),
            change("DELETE", 3),
            change("INSERT", 3, body="d", cost=2),
        ],
        CONVERTER,
    )
    assert folded.rows == {(1,): {"id": 1, "body": "b", "price": 1}, (3,): {"id": 3, "body": "d", "price": 2}}
    assert (folded.deleted, folded.unknown) == ({(2,)}, set())


def test_an_incomplete_update_takes_the_rest_from_the_change_before() -> None:
    """A large value that did not change is missing in the update, not in the insert."""
    folded = fold([change("INSERT", 1, body="large", cost=1), change("UPDATE", 1, cost=2)], CONVERTER)
    assert folded.rows == {(1,): {"id": 1, "body": "large", "price": 2}}


@pytest.mark.parametrize("values", [{"cost": 2}, {"body": "x", "cost": 12345678901234.123456}])
def test_what_the_changes_do_not_tell_is_unknown(values: dict[str, Any]) -> None:
    """A column that never came, or a number that has lost digits."""
    folded = fold([change("UPDATE", 1, **values)], CONVERTER)
    assert (folded.rows, folded.unknown) == ({}, {(1,)})


def test_a_change_without_a_key_is_an_error() -> None:
    """A role that may not read the key gets empty records; to pass over them would lose rows silently."""
    nothing = change("INSERT", 1)
    nothing.record.clear()
    with pytest.raises(KeyError):
        fold([nothing], CONVERTER)


def test_a_key_that_changes_takes_its_row_along() -> None:
    """The old key is gone; what an incomplete update does not tell comes from what was told of the old one."""
    moved = Item("UPDATE", (2,), {"id": 2, "cost": 2}, (9, 9), old_key=(1,))
    folded = fold_items([item_of(change("INSERT", 1, body="large", cost=1), CONVERTER), moved], CONVERTER)
    assert folded.rows == {(2,): {"id": 2, "body": "large", "price": 2}}
    assert folded.deleted == {(1,)}


def test_what_is_late_or_about_the_log_itself_changes_nothing() -> None:
    """A later change of the row went before."""
    first = item_of(change("INSERT", 1, body="a", cost=1), CONVERTER)
    late, word = replace(first, late=True), Item(CHECKPOINT, None, {}, 7)
    assert not fold_items([late, word], CONVERTER).touched


def test_truncate_leaves_what_comes_after_it() -> None:
    """And says so, as rows that nobody spoke of are gone as well."""
    before, after = (item_of(change("INSERT", n, body="a", cost=1), CONVERTER) for n in (1, 2))
    folded = fold_items([before, Item("TRUNCATE", None, {}, (7, 9)), after], CONVERTER)
    assert (set(folded.rows), folded.deleted, folded.emptied) == ({(2,)}, set(), 7)


KINDS = st.tuples(st.sampled_from(["INSERT", "UPDATE", "DELETE"]), st.integers(0, 4), st.integers(0, 99))


@given(st.lists(KINDS, max_size=30), st.integers(0, 30))
def test_batches_of_any_size_come_to_the_same(steps: list[tuple[str, int, int]], cut: int) -> None:
    """Folding all at once, or two parts one after the other, and the second part twice, leaves the same rows."""
    changes = [change(kind, key, body=str(n), cost=n) for kind, key, n in steps]
    whole, first, second = (fold(part, CONVERTER) for part in (changes, changes[:cut], changes[cut:]))
    store: dict[Any, Any] = {}
    for part in (first, second, second):
        store = {key: row for key, row in store.items() if key not in part.touched} | part.rows
    assert store == whole.rows
    assert whole.touched == {(key,) for _, key, _ in steps}
    assert not whole.rows.keys() & whole.deleted
