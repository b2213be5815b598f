"""When to try again: late enough for the server, early enough for the user, and never all clients at once.

Source of the two kinds of jitter: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from helpers.errors import SettingsError

__all__ = ["Backoff", "BackoffSettings", "Jitter", "spread_for"]


class Jitter(StrEnum):
    """How chance enters."""

    FULL = "full"  # anything between 0 and the exponential bound
    DECORRELATED = "decorrelated"  # anything between the base and three times the last delay
    NONE = "none"  # the bound itself: what makes herds; for comparison


@dataclass(frozen=True, slots=True)
class BackoffSettings:
    """How delays grow.

    Attributes:
        base_s: bound of the first delay. factor: by which each further bound grows. cap_s: no delay is longer.
        spread_s: the very first attempt after a loss waits anything between 0 and this, so that the clients of a
            server that restarts do not return together (`spread_for` computes it). While the exponential bound is below
            it, further attempts follow in this interval: so those who came while the server was still down keep their
            distance, and attempts are never more frequent than the first ones.
        widest_s: the spread doubles whenever the server says that too many come at once, up to this.
        reset_after_s: a connection must have been live for so long before delays begin anew: one that is lost at
            once each time is no success.
    """

    base_s: float = 1.0
    factor: float = 2.0
    cap_s: float = 10.0
    jitter: Jitter = Jitter.FULL
    spread_s: float = 0.5
    widest_s: float = 120.0
    reset_after_s: float = 10.0

    def __post_init__(self) -> None:
        bounds = (
            self.base_s > 0,
            self.factor >= 1,
            self.cap_s >= self.base_s,
            min(self.spread_s, self.reset_after_s) >= 0,
            self.widest_s >= self.spread_s,
        )
        if not all(bounds):
            raise SettingsError(
                "planning reconnects",
                f"base {self.base_s:g} s, factor {self.factor:g}, cap {self.cap_s:g} s, spread {self.spread_s:g} s, "
                f"widest {self.widest_s:g} s, reset after {self.reset_after_s:g} s",
                "Choose a base above 0, a factor of at least 1, a cap of at least the base, a widest spread of at "
                "least the spread, and nothing negative",
            )


#: By how much of the spread attempts move at most, as clocks do not run alike anyway.
_SWAY = 0.1

#: The spread after the first refusal: twice the period over which the server counts joins (`rate_tick_s` of the lab).
_CROWDED_S = 10.0


class Backoff:
    """The delays of one connection. No clock: times are given.

    Args:
        seed: of the chance; None takes another one in each process, as clients should.

    Attributes:
        spread_s: over which the next attempt is spread; that of the settings, or wider in a crowd.
    """

    def __init__(self, settings: BackoffSettings | None = None, seed: int | None = None) -> None:
        self.settings = settings or BackoffSettings()
        self.failures = 0
        self.spread_s = self.settings.spread_s
        self._random = random.Random(seed)
        self._last_s = self.settings.base_s
        self._has_place = False  # somewhere in the spread, by chance
        self._live_at: float | None = None

    def delay_s(self) -> float:
        """How long to wait before the next attempt, in seconds."""
        self.failures += 1
        if self.failures == 1:
            return self._spread()
        return self._later()

    def went_live(self, now: float) -> None:
        """The connection serves from now on."""
        self._live_at = now

    def lost(self, now: float) -> None:
        """It does not any more: delays begin anew if it had served for long enough."""
        if self._live_at is not None and now - self._live_at >= self.settings.reset_after_s:
            self.failures, self._last_s, self.spread_s = 0, self.settings.base_s, self.settings.spread_s
            self._has_place = False
        self._live_at = None

    def crowded(self) -> None:
        """The server turned this client away as too many came at once: all that it says so to spread wider."""
        self.spread_s = min(self.settings.widest_s, max(2 * self.spread_s, _CROWDED_S))
        self._has_place = False
        self._live_at = None  # what the server does not want is no success, however long it lasts

    def _later(self) -> float:
        settings = self.settings
        # The exponent is bounded, as a float overflows after a thousand failures.
        bound = min(settings.cap_s, settings.base_s * settings.factor ** min(self.failures - 2, 60))
        if settings.jitter is Jitter.NONE:
            return bound
        if self.spread_s > bound:
            return self._spread()
        if settings.jitter is Jitter.FULL:
            return self._random.uniform(0, bound)
        self._last_s = min(settings.cap_s, self._random.uniform(settings.base_s, 3 * self._last_s))
        return self._last_s

    def _spread(self) -> float:
        """To a place of one's own first, and then in the interval that keeps it."""
        if not self._has_place:
            self._has_place = True
            return self._random.uniform(0, self.spread_s)
        return self.spread_s * self._random.uniform(1 - _SWAY, 1 + _SWAY)


def spread_for(clients: int, joins_per_s: float, *, channels: int = 1, share: float = 0.5) -> float:
    """Over how many seconds clients must spread their return, so that their joins use at most a share of the limit.

    Args:
        clients: that a restart throws out together. channels: that each of them joins.
        joins_per_s: what the project may do (100 on the free plan, supabase.com/docs/guides/realtime/limits).
    """
    return clients * channels / (share * joins_per_s)
