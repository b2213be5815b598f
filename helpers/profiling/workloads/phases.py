"""What a latency is made of, told from outside: when the server looked, from which messages came together.

A server that polls delivers together what one look has found. It looked after the last of these was committed, before
the first of them arrived, and before the next message was committed that it did not find. So the moment of each look
lies within bounds, which are as narrow as messages are dense; their middle is taken, and a look whose bounds are wide
is left out, that of the last messages for one. Of what comes before, nearly all is waiting for the look; what comes
after is the server's work and the way. Where the way is long, looks that follow each other within `_APART_S` are taken
for one, so that up to as much of the way is taken for waiting.
"""

from __future__ import annotations

import numpy as np

from helpers.profiling.histogram import Floats, Histogram, Ints
from helpers.profiling.recording import Phase
from helpers.profiling.workloads.recorder import Recorder

__all__ = ["ANSWER", "JOIN", "POLL_WAIT", "PROCESSING", "poll_phases"]

#: From due to look: the writer's lateness and the commit are in it, a millisecond or two.
POLL_WAIT = "waiting for the poll"
#: From look to receipt.
PROCESSING = "processing and way"
#: From due to the target's answer to the writer.
ANSWER = "answer to the writer"
#: From asking to hearing, of subscribers that come while the load runs.
JOIN = "joining under load"

#: Messages that arrive further apart were found by different looks: the least pause between two looks of an idle
#: server is 150 ms, and a look's rows arrive within milliseconds.
_APART_S = 0.02

#: Looks are told no more exactly than to half of this.
_BOUNDS_S = 0.025


def poll_phases(recorder: Recorder) -> tuple[Phase, ...]:
    """Waiting and processing of the changes that came; none where they came too sparsely to tell."""
    heard = recorder.heard()
    waiting, processing = Histogram(), Histogram()
    order = np.flatnonzero(heard.first)[np.argsort(heard.stream[heard.first], kind="stable")]
    streams = np.split(order, np.flatnonzero(np.diff(heard.stream[order])) + 1) if order.size else []
    for of_it in streams:
        arrived, due = heard.at[of_it], recorder.due[heard.message[of_it]]
        looked = _looks(arrived, due)
        known = ~np.isnan(looked)
        waiting.record_many((looked - due)[known])
        processing.record_many((arrived - looked)[known])
    return (Phase(POLL_WAIT, waiting.counts()), Phase(PROCESSING, processing.counts())) if waiting.count else ()


def _looks(arrived: Floats, due: Floats) -> Floats:
    """When the server looked that found each message, in order of receipt; NaN where that cannot be told."""
    first = _first_of_looks(arrived, due)
    newest = np.maximum.reduceat(due, first)
    latest = arrived[first].copy()
    latest[:-1] = np.minimum(latest[:-1], due[first[1:]])
    newest = np.minimum(newest, latest)
    moments = np.where(latest - newest <= _BOUNDS_S, (newest + latest) / 2, np.nan)
    looks: Floats = np.repeat(moments, np.diff(np.append(first, arrived.size)))
    return np.maximum(looks, due)


def _first_of_looks(arrived: Floats, due: Floats) -> Ints:
    """The first message of each look."""
    ends = np.append(np.flatnonzero(np.diff(arrived) > _APART_S) + 1, arrived.size)
    known = np.maximum.accumulate(due)
    first, begin = [], 0
    for end in ends.tolist():
        while begin < end:
            first.append(begin)
            # What was due after a look's first message had arrived was certainly found by another look.
            begin += max(1, int(np.searchsorted(known[begin:end], arrived[begin], side="right")))
    return np.array(first, dtype=np.int64)
