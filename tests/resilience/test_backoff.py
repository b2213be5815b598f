"""When to try again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.errors import SettingsError
from helpers.resilience import Backoff, BackoffSettings, Jitter, RateLimit, spread_for


@given(st.sampled_from(sorted(Jitter)), st.integers(0, 2**32), st.integers(1, 2_000))
def test_no_delay_is_longer_than_the_cap(jitter: Jitter, seed: int, failures: int) -> None:
    """Nor negative, however many failures there were."""
    backoff = Backoff(BackoffSettings(jitter=jitter), seed)
    backoff.failures = failures
    assert all(0 <= backoff.delay_s() <= backoff.settings.cap_s for _ in range(20))


def test_bounds_double() -> None:
    """Without chance, the delays are the bounds: the first attempt is early, then 1, 2, 4, 8, and the cap."""
    backoff = Backoff(BackoffSettings(jitter=Jitter.NONE, spread_s=0))
    assert [backoff.delay_s() for _ in range(7)] == [0, 1, 2, 4, 8, 10, 10]


def test_full_jitter_uses_the_whole_width() -> None:
    """A thousand clients in their fourth attempt are spread evenly over its bound."""
    delays = []
    for seed in range(1_000):
        backoff = Backoff(BackoffSettings(), seed)
        delays.append([backoff.delay_s() for _ in range(4)][-1])
    tenths = [sum(tenth * 0.4 <= delay < (tenth + 1) * 0.4 for delay in delays) for tenth in range(10)]
    assert min(tenths) > 60
    assert max(tenths) < 140


def test_delays_begin_anew_after_a_connection_that_served() -> None:
    """One that was lost at once did not serve, and the delays go on growing."""
    backoff = Backoff(BackoffSettings(jitter=Jitter.NONE, spread_s=0))
    for _ in range(4):
        backoff.delay_s()
    backoff.went_live(100.0)
    backoff.lost(100.5)
    assert backoff.delay_s() == 8
    backoff.went_live(200.0)
    backoff.lost(210.0)
    assert backoff.delay_s() == 0


def test_the_spread_keeps_joins_under_the_limit() -> None:
    """A thousand clients with two channels each need 40 s at half of 100 joins a second."""
    assert spread_for(1_000, 100, channels=2) == 40


@pytest.mark.parametrize("settings", [{"base_s": 0}, {"factor": 0.5}, {"cap_s": 0.1}, {"spread_s": -1}])
def test_settings_that_make_no_sense(settings: dict[str, float]) -> None:
    """They are refused with what to choose."""
    with pytest.raises(SettingsError, match="Choose a base above 0"):
        BackoffSettings(**settings)


def test_a_rate_limit_lets_a_burst_pass_and_then_spaces() -> None:
    """And after a pause it holds one burst, not more."""
    now = 0.0
    limit = RateLimit(per_s=10, burst=3, clock=lambda: now)
    now = 100.0
    assert [limit.claim() for _ in range(5)] == pytest.approx([0, 0, 0, 0.1, 0.2])
    now = 100.2
    assert limit.claim() == pytest.approx(0.1)
