"""Whether the canary's memory is flat: a slope with its interval, and what it comes to in a month."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from helpers.monitoring.canary import CanarySettings
from helpers.objectives import Objectives
from tests.canary.alone import Held
from tests.soak.memory import Growth, Windows, growth

__all__ = ["Flatness", "flatness"]

#: Windows in the second half of a run, each with its lowest look: what is left after a collection of garbage.
WINDOWS = 15


@dataclass(frozen=True, slots=True)
class Flatness:
    """Memory over the second half of a run.

    Attributes:
        private: memory that the process has for itself alone. heap: what it has asked for.
        others: descriptors, threads, tasks and series.
        hastened: how many times as many messages a minute there were as by default: so much faster it would leak.
        looks: all of them; the last one after garbage was collected and malloc had given back what it keeps.
    """

    private: Growth
    heap: Growth
    others: tuple[Growth, ...]
    hastened: float
    looks: tuple[Held, ...]

    @property
    def most_in_a_month_bytes(self) -> float:
        """The upper end of the interval, over the objectives' period, at the default cadence."""
        return max(0.0, self.private.high) * 1024 * _minutes() / self.hastened

    @property
    def is_flat(self) -> bool:
        """Whether that is surely less than the objective for a client's memory, and nothing else piles up."""
        return self.private.flat and not self.piled_up

    @property
    def piled_up(self) -> list[str]:
        """What else there is surely more and more of."""
        return [str(one) for one in self.others if one.grew]

    def __str__(self) -> str:
        end, cleared = self.looks[-2], self.looks[-1]
        limit = Objectives().memory_bytes
        lines = [
            str(self.private),
            str(self.heap),
            f"{self.hastened:g} times the default cadence: at most {self.most_in_a_month_bytes / 1e6:.1f} MB more in "
            f"{Objectives().period_days:g} days; flat is below {limit / 1e6:g} MB",
            f"given back on request: {end.private_kib - cleared.private_kib:,.0f} KiB of {end.private_kib:,.0f} KiB, "
            f"{end.blocks - cleared.blocks:,} blocks of garbage",
            ", ".join(f"{one.what} {one.start:.0f} to {one.end:.0f}" for one in self.others),
            *self.piled_up,
            f"memory: {'flat' if self.is_flat else 'NOT FLAT'}",
        ]
        return "\n".join(lines)


def flatness(looks: Sequence[Held], settings: CanarySettings) -> Flatness:
    """Judge the second half.

    Raises:
        ValueError: there are too few looks for a slope.
    """
    hastened = CanarySettings().every_s / settings.every_s
    tolerance = Objectives().memory_bytes / 1024 / (_minutes() / hastened)
    half_s = (looks[-1].at_s - looks[0].at_s) / 2
    second = [look for look in looks[:-1] if look.at_s >= looks[0].at_s + half_s]
    windows = Windows(half_s / WINDOWS, min)

    def line(what: str, value: Callable[[Held], float], tolerance: float = tolerance, unit: str = "KiB") -> Growth:
        return growth(what, second, value, warm_up_s=0.0, tolerance=tolerance, unit=unit, windows=windows)

    return Flatness(
        line("private memory", lambda look: look.private_kib),
        line("heap", lambda look: look.heap_kib),
        (
            line("files", lambda look: look.files, 0.0, ""),
            line("threads", lambda look: look.threads, 0.0, ""),
            line("tasks", lambda look: look.tasks, 0.0, ""),
            line("series", lambda look: look.series, 0.0, ""),
        ),
        hastened,
        tuple(looks),
    )


def _minutes() -> float:
    """Of the period over which it is judged."""
    return Objectives().period_days * 24 * 60
