"""Results of before there were recordings."""

from __future__ import annotations

import msgspec

from helpers.profiling import BroadcastStep, Gain, Profile


def test_earlier_results_are_read() -> None:
    """A result that was saved without recordings is read as it was, and has no notes."""
    step = BroadcastStep(500.0, 10, 10, 0, 0, 0, 500.0, 1.0, None, None)
    gain = Gain("bytes", "B", 2.0, 1.0, -50.0, -60.0, -40.0, 5)
    profile = Profile(
        *("lab", "2026-01-01T00:00:00+00:00", "full table", "public", "events", None, None, 100.0, 1.0),
        *(100, 100, 100, 0, 0, 0, 0, None, None, 1_000, 100.0, 5.0, 1.0, ()),
    )
    later = {"recording", "recordings", "higher_is_better", "left_out"}
    for result in (step, gain, profile):
        earlier = {name: value for name, value in msgspec.to_builtins(result).items() if name not in later}
        assert earlier.keys() < msgspec.to_builtins(result).keys()
        assert msgspec.convert(earlier, type=type(result)) == result
    assert profile.notes == ()
    assert step.recording is None
