"""The review's faces: terminal, JSON, SARIF, exit codes and the hook."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml

from helpers.cli import main
from helpers.review import Review, review
from helpers.review.command import write_plan
from helpers.review.faces import as_json, as_sarif, as_text, schema
from helpers.review.plan import make_plan
from helpers.review.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "sample-app"
PUBLISHED = ROOT / "data" / "review.schema.json"

CLEAN = """\
import { supabase } from './client'

export const none = supabase
"""


@pytest.fixture(scope="module")
def sample() -> Review:
    return review(SAMPLE)


def test_the_document_fits_its_published_schema(sample: Review) -> None:
    """The published schema is what this version makes, and the document of the sample application fits it."""
    assert PUBLISHED.read_text() == schema()
    document = json.loads(as_json(sample))
    jsonschema.validate(document, json.loads(PUBLISHED.read_text()))
    assert len(document["findings"]) == sum(document["counts"].values()) == len(sample.findings)
    assert len(document["channels"]) == len(sample.inventory.channels)


def test_sarif_has_every_finding_with_its_rule(sample: Review) -> None:
    """Each result names a rule that is described, lies in a file that exists, and has a fingerprint of its own."""
    (run,) = json.loads(as_sarif(sample))["runs"]
    assert len(run["results"]) == len(sample.findings) + len(sample.silenced)
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [rule.id for rule in RULES]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        place = result["locations"][0]["physicalLocation"]
        assert (SAMPLE / place["artifactLocation"]["uri"].replace("%5B", "[").replace("%5D", "]")).is_file()
        assert place["region"]["startLine"] >= 1
    prints = [result["partialFingerprints"]["findingHash/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)


def test_a_fingerprint_survives_lines_above(tmp_path: Path) -> None:
    """A finding that has moved down is known again."""
    code = (SAMPLE / "components" / "notifications-bell.tsx").read_text()
    before, after = tmp_path / "before", tmp_path / "after"
    for folder, text in ((before, code), (after, f"// a new line\n\n{code}")):
        folder.mkdir()
        (folder / "bell.tsx").write_text(text)
    prints = [
        {
            result["partialFingerprints"]["findingHash/v1"]
            for result in json.loads(as_sarif(review(folder)))["runs"][0]["results"]
        }
        for folder in (before, after)
    ]
    assert prints[0] == prints[1]
    assert prints[0]


def test_the_text_begins_with_the_verdict(sample: Review) -> None:
    """How many findings of which kind, then each with its place, its lines of code and its fix."""
    first, *rest = as_text(sample).splitlines()
    assert re.match(r"\d+ failures, \d+ warnings, \d+ notes in \d+ files, \d+ channels\.", first)
    assert sum(line.startswith("✗") for line in rest) == sum(one.severity == "failure" for one in sample.findings)
    assert not any(line.startswith("· ") and "[" in line for line in rest)


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 where there is nothing to be said, 1 with failures, 2 for what is not there."""
    (tmp_path / "a.ts").write_text(CLEAN)
    assert main(["review", str(tmp_path)]) == 0
    assert "No use of Realtime was found: 1 file" in capsys.readouterr().out
    assert main(["review", str(SAMPLE), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["format"] == "workbook-review/1"
    assert main(["review", str(tmp_path / "absent")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_command_writes_only_what_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SARIF goes to its file; nothing else appears, and nothing in the reviewed folder changes."""
    before = {path: path.stat().st_mtime_ns for path in SAMPLE.rglob("*")}
    assert main(["review", str(SAMPLE), "--sarif", str(tmp_path / "out" / "review.sarif")]) == 1
    capsys.readouterr()
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["review.sarif"]
    assert {path: path.stat().st_mtime_ns for path in SAMPLE.rglob("*")} == before


async def test_the_plans_patches_lie_in_one_folder_and_apply(sample: Review, tmp_path: Path) -> None:
    """A file for each change, in order, without folders of their own; git applies them one after the other."""
    plan = await make_plan(sample.inventory, sample.findings, measure=False)
    proposed = replace(plan, changes=(*plan.changes, *(one for one in plan.not_measured if one.diff)))
    write_plan(proposed, tmp_path / "out")
    patches = sorted(path for path in (tmp_path / "out").iterdir() if path.suffix == ".patch")
    assert len(patches) == sum(change.diff is not None for change in proposed.changes) >= 10
    shutil.copytree(SAMPLE, tmp_path / "app", ignore=shutil.ignore_patterns("node_modules"))
    for patch in patches[: len([change for change in plan.changes if change.diff])]:
        applying = await asyncio.create_subprocess_exec("git", "apply", str(patch), cwd=tmp_path / "app")
        assert await asyncio.wait_for(applying.wait(), 30) == 0, patch.name


def test_the_hook_names_a_command_that_there_is() -> None:
    """The definition for pre-commit calls this command."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["entry"] == "workbook review ."
    assert hook["pass_filenames"] is False
