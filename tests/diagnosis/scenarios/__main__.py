"""Print rules x scenarios: by which real breakage each rule is shown to fire, and to be cured by its own fix."""

from __future__ import annotations

from collections import defaultdict

from helpers.diagnosis.pages import all_pages
from tests.diagnosis.scenarios import SCENARIOS


def main() -> None:
    """One line for each rule with its scenarios, and the count."""
    stories = defaultdict(list)
    for scenario in SCENARIOS:
        stories[scenario.rule].append(f"{scenario.story} [{scenario.status.value}]")
    print("| area | rule | broken by |\n|---|---|---|")
    for page in all_pages():
        print(f"| {page.area} | `{page.id}` | {'; '.join(stories[page.id]) or '**nothing**'} |")
    shown = sum(bool(stories[page.id]) for page in all_pages())
    print(f"\n{len(SCENARIOS)} scenarios; {shown} of {len(all_pages())} rules have one.")


if __name__ == "__main__":
    main()
