"""What the review finds in real-looking files is what is to be found there, and nothing else."""

from __future__ import annotations

import pytest

from helpers.review.rules import RULES
from tests.review.corpus.scoring import PARTS, Case, cases, found_in, score

#: On files that the rules were not written with.
PRECISION, RECALL = 0.95, 0.90
FEWEST = {"seen": 30, "held_out": 20, "second_held_out": 20}
HELD_OUT = [part for part in PARTS if part != "seen"]
#: Of all cases, so many are kept apart at least.
APART = 1 / 3

SEEN = cases("seen")


@pytest.mark.parametrize("case", SEEN, ids=lambda case: case.name)
def test_a_case_that_the_rules_were_written_with(case: Case) -> None:
    """Each finding in its line, and no other one."""
    assert found_in(case) == case.expected


@pytest.mark.parametrize("part", HELD_OUT)
def test_rules_hold_on_files_that_they_were_not_written_with(part: str) -> None:
    """At most one finding in twenty is false, and at most one fault in ten is missed."""
    held_out = score(part)
    assert held_out.precision >= PRECISION, held_out.differences
    assert held_out.recall >= RECALL, held_out.differences


def test_a_third_is_held_out() -> None:
    """The corpus is large enough, and what is stated about it rests on enough other cases."""
    counts = {part: len(cases(part)) for part in PARTS}
    assert all(counts[part] >= fewest for part, fewest in FEWEST.items()), counts
    assert sum(counts[part] for part in HELD_OUT) >= APART * sum(counts.values()), counts


def test_each_rule_has_a_case() -> None:
    """A rule that finds nothing in the corpus could as well be broken."""
    found = {each.rule for case in SEEN for each in case.expected}
    assert {rule.id for rule in RULES} - found == set()


@pytest.mark.parametrize("part", PARTS)
def test_expectations_are_about_rules_and_lines_that_there_are(part: str) -> None:
    """A slip in an expectation would count as a miss for ever."""
    known = {rule.id for rule in RULES}
    for case in cases(part):
        for each in case.expected:
            lines = (case.folder / each.file).read_text(encoding="utf-8").splitlines()
            assert each.rule in known, (case.name, each)
            assert 1 <= each.line <= len(lines), (case.name, each)
