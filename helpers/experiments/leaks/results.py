"""What repeating a habit did to the memory of a client, and what that says of leaks that others have reported."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from helpers.experiments.leaks.published import Report
from helpers.probes.habits import Client, Growth, Habit
from helpers.profiling.lines import Line, fit_line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LEAST_BYTES", "LeakCase", "LeakStudy"]

#: The smallest object of Python has 16 bytes, and so have two references; what grows by less is no object kept.
LEAST_BYTES = 16.0


@dataclass(frozen=True, slots=True)
class LeakCase:
    """One client with one habit.

    Attributes:
        injected_bytes: held for good in each cycle by the probe itself, to see whether they are found.
        growth: what was seen. The line leaves out the first look, as the first block makes what is made only once.
    """

    client: Client
    habit: Habit
    growth: Growth
    injected_bytes: int = 0

    @property
    def name(self) -> str:
        injected = f", {self.injected_bytes:,} bytes held on purpose" if self.injected_bytes else ""
        return f"{self.client}: {self.habit}{injected}"

    @property
    def line(self) -> Line:
        """Bytes over cycles."""
        return fit_line(self.growth.cycles[1:], self.growth.settled[1:])

    @property
    def leaks(self) -> bool:
        """Whether each cycle surely leaves an object behind."""
        return self.line.low > LEAST_BYTES

    @property
    def verdict(self) -> str:
        """ "leaks 1,000 bytes a cycle (999 to 1,002)", or "no leak shown" with what it could be at most."""
        if self.leaks:
            return f"leaks {self.line} bytes a cycle"
        return f"no leak shown (at most {max(self.line.high, 0):,.0f} bytes a cycle)"

    @property
    def cycles(self) -> int:
        """From the first look that counts to the last."""
        return self.growth.cycles[-1] - self.growth.cycles[1]

    @property
    def held_bytes(self) -> float:
        """What a cycle holds for a while, and gives back by itself: mean over the blocks."""
        spans = zip(self.growth.held[1:], self.growth.settled[1:], strict=True)
        blocks = len(self.growth.cycles) - 1
        whole = self.growth.cycles[-1] - self.growth.cycles[0]
        return max(0.0, sum(held - settled for held, settled in spans) / blocks) / (whole / blocks)

    @property
    def channels_kept(self) -> int:
        """Channels that the client has more at the end than at the beginning."""
        return self.growth.channels[-1] - self.growth.channels[0]


@dataclass(frozen=True, slots=True)
class LeakStudy:
    """All cases, and what they say.

    Attributes:
        target: `str(Target)`: kind and URL, no key. size: of the experiment.
        versions: of the clients.
        reports: published ones that a case looks at.
        answer: computed from the cases.
    """

    question: str
    target: str
    taken_at: str
    size: str
    seconds: float
    cases: tuple[LeakCase, ...]
    versions: dict[str, str]
    reports: tuple[Report, ...] = ()
    answer: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def case(self, client: Client, habit: Habit, *, injected: bool = False) -> LeakCase | None:
        """One of them; None if it was not run."""
        for case in self.cases:
            if (case.client, case.habit, case.injected_bytes > 0) == (client, habit, injected):
                return case
        return None

    def to_frame(self) -> pd.DataFrame:
        """One row for each case: slope with interval, verdict, and what else was seen."""
        import pandas as pd

        return pd.DataFrame(self._rows())

    def reports_frame(self) -> pd.DataFrame:
        """One row for each published report, and whether it is seen here."""
        import pandas as pd

        rows = [self._report_row(report) for report in self.reports]
        return pd.DataFrame(rows)

    def table(self) -> pd.DataFrame:
        """For people: one row for each habit, one column for each client."""
        import pandas as pd

        habits = tuple(dict.fromkeys(case.habit for case in self.cases))
        rows = [[self._cell(client, habit) for client in self.clients] for habit in habits]
        columns = [f"{client} {self.versions.get(client, '')}".strip() for client in self.clients]
        frame = pd.DataFrame(rows, index=pd.Index([str(habit) for habit in habits]), columns=columns)
        return frame.rename_axis("habit")

    @property
    def clients(self) -> tuple[Client, ...]:
        return tuple(dict.fromkeys(case.client for case in self.cases))

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
        return f"leaks, size {self.size}: {self.target}, {self.taken_at}, {self.seconds:.0f} s"

    def _rows(self) -> Iterator[dict[str, object]]:
        for case in self.cases:
            line = case.line
            yield {
                "client": str(case.client), "habit": str(case.habit), "injected_bytes": case.injected_bytes,
                "cycles": case.cycles, "bytes_a_cycle": line.per_one, "low": line.low, "high": line.high,
                "leaks": case.leaks, "held_bytes": case.held_bytes, "channels_kept": case.channels_kept,
                "refused": case.growth.refused, "refusal": case.growth.refusal,
            }  # fmt: skip

    def _cell(self, client: Client, habit: Habit) -> str:
        case = self.case(client, habit)
        return case.verdict if case else "not measured"

    def _report_row(self, report: Report) -> dict[str, object]:
        row: dict[str, object] = {"report": report.where, "what": report.what}
        case = self.case(report.client, report.habit)
        if case is None:
            return row | {"here": "not looked at", "link": report.link}
        return row | {
            "here": "seen" if case.channels_kept > 0 else "not seen",
            "channels kept": case.channels_kept,
            "cycles": case.growth.cycles[-1] - case.growth.cycles[0],
            "memory": case.verdict,
            "link": report.link,
        }
