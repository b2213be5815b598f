"""The plans for all cases of the corpus: whatever the code looks like, what is edited applies and parses."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
import tree_sitter_typescript
from tree_sitter import Language, Parser

from helpers.progress import Progress
from helpers.review import review
from helpers.review.plan import Change, make_plan
from helpers.review.plan.proposing.proposal import ChangeKind
from tests.review.corpus.scoring import PARTS

CORPUS = Path(__file__).parents[1] / "corpus"
CASES = sorted(case for part in PARTS for case in (CORPUS / part).glob("*") if case.is_dir())
TSX = Parser(Language(tree_sitter_typescript.language_tsx()))

#: What the corpus has of what can be edited, at least.
KINDS = {
    ChangeKind.CLEANUP,
    ChangeKind.CLIENT,
    ChangeKind.COALESCED_REFETCH,
    ChangeKind.EVENT,
    ChangeKind.SELECT,
    ChangeKind.SHARED_CHANNEL,
    ChangeKind.STABLE,
}


async def edited(case: Path) -> list[Change]:
    """The changes of a case that edit its code."""
    with Progress() as quiet:
        reviewed = review(case, progress=quiet)
    plan = await make_plan(reviewed.inventory, reviewed.findings, measure=False)
    assert all(change.edits or change.advice for change in plan.not_measured)
    return [change for change in (*plan.changes, *plan.not_measured) if change.edits]


async def test_every_diff_of_the_corpus_applies_and_parses(tmp_path: Path) -> None:
    """Each by itself; what parsed before parses after. All kinds of edits are among them."""
    kinds: Counter[ChangeKind] = Counter()
    for number, case in enumerate(CASES):
        for place, change in enumerate(await edited(case)):
            folder = Path(shutil.copytree(case, tmp_path / f"{number}.{place}"))
            assert change.alone
            assert git_apply(folder, change.alone) == "", (case.name, change.id)
            for path in {edit.path for edit in change.edits if edit.path.endswith((".ts", ".tsx", ".js", ".jsx"))}:
                assert parses(folder / path) >= parses(case / path), (case.name, change.id, (folder / path).read_text())
            kinds[change.kind] += 1
    assert set(kinds) >= KINDS, kinds


def git_apply(folder: Path, diff: str) -> str:
    """What git has against a diff."""
    done = subprocess.run(["git", "apply", "-"], cwd=folder, input=diff.encode(), capture_output=True, check=False)
    return done.stderr.decode() if done.returncode else ""


def parses(file: Path) -> bool:
    return not TSX.parse(file.read_bytes()).root_node.has_error


@pytest.mark.parametrize("case", [case for case in CASES if case.name.endswith("-clean")], ids=lambda case: case.name)
async def test_nothing_is_done_to_what_is_well(case: Path) -> None:
    """A case without findings has nothing to change."""
    assert await edited(case) == []
