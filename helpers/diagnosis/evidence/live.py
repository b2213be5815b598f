"""What the open connection answered."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.diagnosis.evidence.base import Step

__all__ = ["Live", "TableVerdict"]


@dataclass(frozen=True, slots=True)
class Live:
    """What the open connection answered, from the heartbeat to the first delivered change.

    Attributes:
        steps: ping, heartbeat, join, system ok, broadcast and change.
        join_reason: the server's sentence when it refused the join.
        system_message: the server's `system` message for postgres_changes.
        overheard: what the server said on the channel without being asked.
        table: table whose change was awaited, if one was.
        write_ms: of the change's time, how long the INSERT and its commit took, one value for each run.
        change_bytes: size of the frame that brought the change.
    """

    steps: tuple[Step, ...]
    join_reason: str = ""
    system_message: str = ""
    overheard: tuple[str, ...] = ()
    table: str = ""
    write_ms: tuple[float, ...] = ()
    change_bytes: int = 0
    took_ms: float = 0.0

    @property
    def faulty(self) -> bool:
        return any(step.fault for step in self.steps)

    def step(self, name: str) -> Step:
        return next(step for step in self.steps if step.name == name)


@dataclass(frozen=True, slots=True)
class TableVerdict:
    """What the server answered to a subscription to one table. `ok` None: no answer within the limit."""

    table: str
    ok: bool | None
    message: str
    took_ms: float = 0.0
