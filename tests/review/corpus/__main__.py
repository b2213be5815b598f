"""Print the corpus table: for each rule true positives, false positives and misses, in both parts."""

from __future__ import annotations

import sys

from helpers.review.rules import RULES
from tests.review.corpus.scoring import PARTS, Score, cases, score

HEADINGS = "true  false  missed"


def main(parts: tuple[str, ...]) -> None:
    """Print the table, and below it what differs."""
    scores = {part: score(part) for part in parts}
    print(f"{'':<28}" + "".join(f"{part:^22}" for part in parts))
    print(f"{'rule':<28}" + f"{HEADINGS:>22}" * len(parts))
    for rule in RULES:
        print(f"{rule.id:<28}" + "".join(_row(*each.row(rule.id)) for each in scores.values()))
    print(f"{'all':<28}" + "".join(_row(*_totals(each)) for each in scores.values()))
    for part, each in scores.items():
        print(f"\n{part}: {len(cases(part))} cases, precision {each.precision:.1%}, recall {each.recall:.1%}")
        print("\n".join(each.differences))


def _row(hits: int, false: int, missed: int) -> str:
    return f"{hits:>8}{false:>7}{missed:>7}"


def _totals(score: Score) -> tuple[int, int, int]:
    return score.hits.total(), score.false.total(), score.missed.total()


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or PARTS)
