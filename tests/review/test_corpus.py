"""What the review finds in real-looking files is what is to be found there, and nothing else."""

from __future__ import annotations

import pytest

from helpers.review.rules import RULES
from tests.review.corpus.scoring import Case, cases, found_in

SEEN = cases("seen")


@pytest.mark.parametrize("case", SEEN, ids=lambda case: case.name)
def test_a_case_that_the_rules_were_written_with(case: Case) -> None:
    """Each finding in its line, and no other one."""
    assert found_in(case) == case.expected


def test_each_rule_has_a_case() -> None:
    """A rule that finds nothing in the corpus could as well be broken."""
    found = {each.rule for case in SEEN for each in case.expected}
    assert {rule.id for rule in RULES} - found == set()


def test_expectations_are_about_rules_and_lines_that_there_are() -> None:
    """A slip in an expectation would count as a miss for ever."""
    known = {rule.id for rule in RULES}
    for case in SEEN:
        for each in case.expected:
            lines = (case.folder / each.file).read_text(encoding="utf-8").splitlines()
            assert each.rule in known, (case.name, each)
            assert 1 <= each.line <= len(lines), (case.name, each)
