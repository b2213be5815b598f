"""What a subscriber should have heard, beside what it heard. No I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Fact", "Heard", "Judgement", "judge"]

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened, once.

    Attributes:
        key: what it is known by, at its source and at its receivers.
        content: what a receiver must see of it.
        number: grows with time in each of the lanes; between lanes it says nothing.
        lanes: within each of these, order is promised: what one connection committed, what happened to one row.
    """

    key: Hashable
    content: Any
    number: int
    lanes: tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that a subscriber received; `at` in seconds of the monotonic clock."""

    key: Hashable
    content: Any
    at: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The differences for one subscriber, all of which should be empty.

    Attributes:
        expected: how much should have been heard; `heard`, how much was.
        lost: should have been heard and was not.
        doubled: heard more than once.
        foreign: heard although it never happened (it was rolled back) or was not for this subscriber.
        wrong: heard with another content.
        reordered: heard after something of the same lane that happened later.
    """

    name: str
    expected: int
    heard: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    foreign: tuple[str, ...]
    wrong: tuple[str, ...]
    reordered: tuple[str, ...]

    KINDS = ("lost", "doubled", "foreign", "wrong", "reordered")

    @property
    def holds(self) -> bool:
        """Whether there is no difference, and something to differ in."""
        return self.expected > 0 and not any(getattr(self, kind) for kind in self.KINDS)

    def examples(self) -> list[str]:
        """The first few of each kind, in words."""
        return [
            f"{self.name}: {kind}: {example}"
            for kind in self.KINDS
            for example in getattr(self, kind)[:_EXAMPLES]
        ]  # fmt: skip


def judge(name: str, facts: Sequence[Fact], heard: Sequence[Heard]) -> Judgement:
    """Compare. `facts` are those that were for this subscriber."""
    known = {fact.key: fact for fact in facts}
    times = Counter(item.key for item in heard)
    true = [item for item in heard if item.key in known]
    return Judgement(
        name=name,
        expected=len(facts),
        heard=len(heard),
        lost=tuple(f"{fact.key} {fact.content}" for fact in facts if fact.key not in times),
        doubled=tuple(f"{key} {count} times" for key, count in times.items() if count > 1),
        foreign=tuple(f"{item.key} {item.content}" for item in heard if item.key not in known),
        wrong=tuple(
            f"{item.key} {item.content} in place of {known[item.key].content}"
            for item in true
            if item.content != known[item.key].content
        ),
        reordered=tuple(_reordered([known[item.key] for item in true])),
    )


def _reordered(facts: Sequence[Fact]) -> list[str]:
    latest: dict[Hashable, Fact] = {}
    found = []
    for fact in facts:
        for lane in fact.lanes:
            before = latest.setdefault(lane, fact)
            if before.number > fact.number:
                found.append(f"{fact.key} after {before.key}, both of {lane}")
            else:
                latest[lane] = fact
    return found
