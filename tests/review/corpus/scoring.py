"""What the review finds in the cases of the corpus, and what it should."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from helpers.review import review

__all__ = ["PARTS", "Case", "Expected", "Score", "cases", "found_in", "score"]

HERE = Path(__file__).parent
#: Those that the rules were written with, and those that they were not.
PARTS = ("seen", "held_out", "second_held_out")


@dataclass(frozen=True, slots=True, order=True)
class Expected:
    """One finding: its rule and where it is."""

    rule: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Case:
    """One folder of the corpus."""

    name: str
    folder: Path
    expected: frozenset[Expected]


@dataclass(frozen=True, slots=True)
class Score:
    """How well the findings fit what is expected: by rule, and case by case what differs."""

    hits: Counter[str]
    false: Counter[str]
    missed: Counter[str]
    differences: tuple[str, ...]

    @property
    def precision(self) -> float:
        """The share of findings that are expected; 1 without any."""
        return _share(self.hits.total(), self.false.total())

    @property
    def recall(self) -> float:
        """The share of what is expected that is found; 1 if nothing is."""
        return _share(self.hits.total(), self.missed.total())

    def row(self, rule: str) -> tuple[int, int, int]:
        """True positives, false positives, misses."""
        return self.hits[rule], self.false[rule], self.missed[rule]


def cases(part: str) -> tuple[Case, ...]:
    """The cases of a part, by name."""
    return tuple(_case(path.parent) for path in sorted((HERE / part).glob("*/expected.toml")))


@cache
def found_in(case: Case) -> frozenset[Expected]:
    """What the review finds in it."""
    findings = review(case.folder).findings
    return frozenset(Expected(each.rule, each.place.path, each.place.line) for each in findings)


def score(part: str) -> Score:
    """The findings of all cases of a part against what is expected."""
    hits, false, missed = Counter[str](), Counter[str](), Counter[str]()
    differences: list[str] = []
    for case in cases(part):
        found = found_in(case)
        hits.update(each.rule for each in found & case.expected)
        false.update(each.rule for each in found - case.expected)
        missed.update(each.rule for each in case.expected - found)
        differences += _differences(case, found)
    return Score(hits, false, missed, tuple(differences))


def _differences(case: Case, found: frozenset[Expected]) -> Iterator[str]:
    for sign, many in (("false", found - case.expected), ("missed", case.expected - found)):
        for each in sorted(many):
            yield f"{sign:<7} {each.rule:<28} {case.name}/{each.file}:{each.line}"


def _case(folder: Path) -> Case:
    told = tomllib.loads((folder / "expected.toml").read_text(encoding="utf-8")).get("finding", [])
    return Case(folder.name, folder, frozenset(Expected(each["rule"], each["file"], each["line"]) for each in told))


def _share(right: int, wrong: int) -> float:
    return right / (right + wrong) if right + wrong else 1.0
