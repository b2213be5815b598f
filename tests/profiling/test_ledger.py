"""The books of many subscriptions: equal to those of a plain loop, however messages are cut into blocks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.errors import SettingsError
from helpers.profiling.ledger import MAX_CELLS, Ledger

STREAMS, MESSAGES = 3, 8

Receipts = list[tuple[int, int]]


def entered(receipts: Receipts, cuts: list[int] | None = None, size: int = 10) -> Ledger:
    """A ledger with these receipts of (stream, number), entered in blocks."""
    ledger = Ledger(STREAMS, MESSAGES)
    bounds = [0, *sorted(cuts or []), len(receipts)]
    for begin, end in pairwise(bounds):
        block = np.array(receipts[begin:end], dtype=np.int64).reshape(-1, 2)
        due = block[:, 1] * 0.1
        ledger.record_many(block[:, 0], block[:, 1], due, due + 0.5, np.full(len(block), size))
    return ledger


@given(st.data(), st.lists(st.tuples(st.integers(-1, STREAMS), st.integers(-2, MESSAGES + 1)), max_size=60))
def test_blocks_give_what_a_loop_gives(data: st.DataObject, receipts: Receipts) -> None:
    """Whatever arrives in whatever order and blocks, every figure is that of counting one by one."""
    ledger = entered(receipts, data.draw(st.lists(st.integers(0, len(receipts)), max_size=6)))
    seen: list[list[int]] = [[] for _ in range(STREAMS)]
    received = duplicated = reordered = 0
    for stream, seq in receipts:
        if not (0 <= stream < STREAMS and 0 <= seq < MESSAGES):
            continue
        received += 1
        if seq in seen[stream]:
            duplicated += 1
            continue
        reordered += seq < max(seen[stream], default=-1)
        seen[stream].append(seq)
    assert (ledger.received, ledger.duplicated, ledger.reordered) == (received, duplicated, reordered)
    assert ledger.strays == len(receipts) - received
    assert ledger.per_stream().tolist() == [len(numbers) for numbers in seen]
    assert ledger.lost == STREAMS * MESSAGES - sum(map(len, seen))
    assert ledger.is_complete == (ledger.lost == 0)
    assert ledger.latency.count == ledger.distinct
    assert ledger.bytes_per_stream().sum() == ledger.payload_bytes == 10 * received
    assert ledger.received_per_stream().sum() == received


@given(st.lists(st.tuples(st.integers(0, STREAMS - 1), st.integers(0, 6), st.integers(1, 4)), max_size=12))
def test_whole_runs_give_what_a_loop_gives(runs: list[tuple[int, int, int]]) -> None:
    """Runs of neighbouring numbers, which are entered in a shorter way, make the same books."""
    in_runs, one_by_one = Ledger(STREAMS, MESSAGES), Ledger(STREAMS, MESSAGES)
    for stream, begin, length in runs:
        seq = np.arange(begin, begin + length)
        due = seq * 0.1
        receipt = np.full(length, stream), seq, due, due + 0.5, np.full(length, 7)
        in_runs.record_many(*receipt)
        for place in range(length):
            one_by_one.record_many(*(column[place : place + 1] for column in receipt))
    for ledger in (in_runs, one_by_one):
        assert ledger.distinct + ledger.lost == STREAMS * MESSAGES
    for name in ("received", "distinct", "reordered", "strays", "payload_bytes"):
        assert getattr(in_runs, name) == getattr(one_by_one, name)
    assert in_runs.per_stream().tolist() == one_by_one.per_stream().tolist()
    assert in_runs.bytes_per_stream().tolist() == one_by_one.bytes_per_stream().tolist()
    assert in_runs.latency.counts().buckets == one_by_one.latency.counts().buckets


def test_first_copies_are_told() -> None:
    """Whoever enters a block learns which of its messages were new."""
    ledger = Ledger(1, 4)
    seq = np.array([0, 1, 1, 9, 0, 2])
    fresh = ledger.record_many(np.zeros(6, dtype=np.int64), seq, np.zeros(6), np.ones(6))
    assert fresh.tolist() == [True, True, False, False, False, True]


def test_early_messages_are_told() -> None:
    """A message before it was due means clocks that differ: it is counted, and its latency is 0, not negative."""
    ledger = Ledger(1, 3)
    zeros = np.zeros(3, dtype=np.int64)
    ledger.record_many(zeros, np.arange(3), np.array([5.0, 5.0, np.nan]), np.array([4.0, 6.0, 6.0]))
    assert (ledger.early, ledger.latency.count, ledger.latency.min_s, ledger.latency.max_s) == (1, 2, 0.0, 1.0)


@pytest.mark.parametrize(("streams", "messages"), [(0, 1), (1, 0), (MAX_CELLS, 2)])
def test_books_are_bounded(streams: int, messages: int) -> None:
    """Books that memory could not hold are refused before they are opened."""
    with pytest.raises(SettingsError, match="Choose"):
        Ledger(streams, messages)


def test_runs_without_a_gap_are_entered_like_any_other_block() -> None:
    """The quick way for the next numbers of one stream: into the same books, beside runs that begin in the past."""
    ledger, one = Ledger(2, 30), np.ones(10, dtype=np.int64)
    for first in (0, 10, 5):
        seq = np.arange(first, first + 10)
        ledger.record_many(one, seq, seq.astype(np.float64), seq + 0.5, np.full(10, 7, dtype=np.int64))
    assert (ledger.received, ledger.distinct, ledger.duplicated, ledger.reordered) == (30, 20, 10, 0)
    assert (ledger.latency.count, ledger.payload_bytes, ledger.early) == (20, 210, 0)
    assert list(ledger.per_stream()) == [0, 20] and list(ledger.received_per_stream()) == [0, 30]
    assert list(ledger.bytes_per_stream()) == [0, 210]
