"""What mounting and unmounting a component did to the memory of its tab."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from helpers.profiling.lines import Line, fit_line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Look", "MountCase", "MountHabit", "MountStudy"]

#: What a cycle may leave, in bytes, before it counts as a leak: two references on a 64-bit machine. An array that
#: keeps something for each cycle (the count of them, say) grows by as much.
LEAST_BYTES = 16.0


class MountHabit(StrEnum):
    """What the component does when it goes; the words are those that the page knows."""

    REMOVES = "removes"
    FORGETS = "forgets"
    OWN_CLIENT = "a client for each mount"
    DISPOSES = "a client for each mount, disposed of"

    @property
    def told(self) -> str:
        """As the end of "A component that …"."""
        return {
            MountHabit.REMOVES: "removes its channel",
            MountHabit.FORGETS: "forgets its channel",
            MountHabit.OWN_CLIENT: "makes a client of its own and removes its channel",
            MountHabit.DISPOSES: "makes a client, removes its channel and disposes of the client",
        }[self]


@dataclass(frozen=True, slots=True)
class Look:
    """After so many cycles, and a collection of garbage.

    Attributes:
        alive: bytes of the tab's heap.
        channels, clients: objects that the component has made, and that still exist.
    """

    cycles: int
    alive: int
    channels: int
    clients: int


@dataclass(frozen=True, slots=True)
class MountCase:
    """One habit.

    Attributes:
        looks: the first is from before the first cycle. The line leaves it out, as the first block makes what is made
            only once.
        injected_bytes: held for good in each cycle by the page itself, to see whether they are found.
    """

    habit: MountHabit
    looks: tuple[Look, ...]
    injected_bytes: int = 0

    @property
    def name(self) -> str:
        injected = f", {self.injected_bytes:,} bytes held on purpose" if self.injected_bytes else ""
        return f"{self.habit.told}{injected}"

    @property
    def line(self) -> Line:
        """Bytes over cycles."""
        return fit_line([look.cycles for look in self.looks[1:]], [look.alive for look in self.looks[1:]])

    @property
    def leaks(self) -> bool:
        """Whether each cycle surely leaves something behind."""
        return self.line.low > LEAST_BYTES

    @property
    def finds_injected(self) -> bool:
        """Whether what was held on purpose is what was found: an array has a head besides its bytes."""
        return self.leaks and 0 <= self.line.per_one - self.injected_bytes < 0.25 * self.injected_bytes

    @property
    def verdict(self) -> str:
        """ "leaks 1,000 (999 to 1,002) bytes a cycle", or "no leak shown" with what it could be at most."""
        if self.leaks:
            return f"leaks {self.line} bytes a cycle"
        return f"no leak shown (at most {max(self.line.high, 0):,.0f} bytes a cycle)"

    @property
    def cycles(self) -> int:
        """Of all blocks."""
        return self.looks[-1].cycles

    @property
    def channels_kept(self) -> int:
        """Channels that are in memory at the end and were not at the beginning."""
        return self.looks[-1].channels - self.looks[0].channels

    @property
    def clients_kept(self) -> int:
        """Clients, likewise."""
        return self.looks[-1].clients - self.looks[0].clients

    @property
    def kept(self) -> str:
        """ "100 channels" or "100 clients" of as many cycles; empty if there are none."""
        counts = ((self.channels_kept, "channels"), (self.clients_kept, "clients"))
        return ", ".join(f"{count:,} {what}" for count, what in counts if count)


@dataclass(frozen=True, slots=True)
class MountStudy:
    """All cases, and what they say; no cases where there is no browser.

    Attributes:
        target: `str(Target)`: kind and URL, no key. size: of the experiment.
        answer: computed from the cases.
    """

    question: str
    target: str
    taken_at: str
    size: str
    seconds: float
    cases: tuple[MountCase, ...]
    answer: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def case(self, habit: MountHabit, *, injected: bool = False) -> MountCase:
        """One of them.

        Raises:
            KeyError: it was not run.
        """
        for case in self.cases:
            if (case.habit, case.injected_bytes > 0) == (habit, injected):
                return case
        raise KeyError(habit)

    def to_frame(self) -> pd.DataFrame:
        """One row for each case: slope with interval, verdict, channels that are left."""
        import pandas as pd

        rows = [
            (str(case.habit), case.injected_bytes, case.cycles, case.line.per_one, case.line.low, case.line.high,
             case.leaks, case.channels_kept, case.clients_kept)
            for case in self.cases
        ]  # fmt: skip
        columns = [
            "habit",
            "injected_bytes",
            "cycles",
            "bytes_a_cycle",
            "low",
            "high",
            "leaks",
            "channels_kept",
            "clients_kept",
        ]
        return pd.DataFrame(rows, columns=columns)

    def table(self) -> pd.DataFrame:
        """For people."""
        import pandas as pd

        rows = [(f"{case.cycles:,}", case.verdict, case.kept or "nothing") for case in self.cases]
        index = pd.Index([case.name for case in self.cases], name="a component that")
        return pd.DataFrame(rows, index=index, columns=["cycles", "memory", "still there"])

    def __str__(self) -> str:
        notes = (f"Note: {note}" for note in self.notes)
        return "\n".join([self.question, "", self.table().to_string(), "", self.answer, *notes, self.provenance])

    def _repr_html_(self) -> str:
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<p><strong>{html.escape(self.question)}</strong></p>{self.table().to_html()}"
            f"<p><strong>{html.escape(self.answer).replace(chr(10), '<br>')}</strong></p>"
            + (f"<p>Notes</p><ul>{notes}</ul>" * bool(notes))
            + f"<p><small>{html.escape(self.provenance)}</small></p>"
        )

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What a front end without HTML shows."""
        printer.text(str(self))

    @property
    def provenance(self) -> str:
        """Where the numbers are from."""
        return f"mounting, size {self.size}: {self.target}, {self.taken_at}, {self.seconds:.0f} s"
