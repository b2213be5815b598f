"""Lock files, lists of packages and the places that name a Node, of every kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.diagnosis.evidence import Missing
from helpers.diagnosis.evidence.packages import version_key
from helpers.diagnosis.probes.project.packages import read_packages
from helpers.diagnosis.rules.known_defects import DEFECTS
from tests.diagnosis.scenarios.application import write_files

LOCKS = {
    "package-lock.json": '{"packages": {"node_modules/@supabase/realtime-js": {"version": "2.81.0"}}}',
    "npm-shrinkwrap.json": '{"dependencies": {"@supabase/realtime-js": {"version": "2.81.0", "dependencies": {}}}}',
    "pnpm-lock.yaml": "packages:\n\n  '@supabase/realtime-js@2.81.0':\n    resolution: {integrity: x}\n",
    "yarn.lock": '"@supabase/realtime-js@2.81.0", "@supabase/realtime-js@^2.80":\n  version "2.81.0"\n',
    "bun.lock": '{"packages": {"@supabase/realtime-js": ["@supabase/realtime-js@2.81.0", "", {}, "x"],}}',
    "node_modules/@supabase/realtime-js/package.json": '{"version": "2.81.0"}',
    "package.json": '{"dependencies": {"@supabase/realtime-js": "2.81.0"}}',
}


@pytest.mark.parametrize("file", LOCKS)
def test_every_lock_file_tells_the_version(tmp_path: Path, file: str) -> None:
    """Those of npm, pnpm, yarn and bun; what is installed; and an exact pin."""
    write_files(tmp_path, {"package.json": "{}", file: LOCKS[file]})
    packages = read_packages(tmp_path)
    assert not isinstance(packages, Missing)
    assert [(each.version, each.where) for each in packages.versions("@supabase/realtime-js")] == [("2.81.0", file)]


PYTHON = {
    "uv.lock": '[[package]]\nname = "realtime"\nversion = "2.30.0"\n',
    "poetry.lock": '[[package]]\nname = "realtime"\nversion = "2.30.0"\n',
    "requirements-dev.txt": "supabase==2.30.0\r\nrealtime[x] == 2.30.0 ; python_version > '3'\r\n",
    "pyproject.toml": '[project]\ndependencies = ["realtime==2.30.0", "x>=1"]\n',
}


@pytest.mark.parametrize("file", PYTHON)
def test_every_list_of_python_packages_tells_the_version(tmp_path: Path, file: str) -> None:
    """Lock files, requirements and exact pins."""
    write_files(tmp_path, {file: PYTHON[file]})
    packages = read_packages(tmp_path)
    assert not isinstance(packages, Missing)
    assert [each.version for each in packages.versions("realtime", "pypi")] == ["2.30.0"]


@pytest.mark.parametrize(
    ("file", "text", "major"),
    [
        (".nvmrc", "v20.1.0\n", 20),
        (".nvmrc", "lts/jod", 22),
        (".node-version", "24", 24),
        (".tool-versions", "python 3.12\nnodejs 18.2.0\n", 18),
        ("Dockerfile", "FROM --platform=linux/amd64 docker.io/library/node:20-alpine AS build\n", 20),
        ("api.Dockerfile", "# x\nfrom node:22.1\n", 22),
        ("package.json", '{"engines": {"node": "^20.9 || >=22"}}', 20),
        ("package.json", '{"volta": {"node": "22.1.0"}}', 22),
    ],
)
def test_every_place_tells_the_node(tmp_path: Path, file: str, text: str, major: int) -> None:
    """Version managers, images, and the lowest that a range allows."""
    write_files(tmp_path, {"package.json": "{}", file: text})
    packages = read_packages(tmp_path)
    assert not isinstance(packages, Missing)
    assert [each.major for each in packages.node] == [major]


def test_where_no_node_is_named_that_of_the_machine_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be the one, so that an old one is worth a note, and no finding."""
    write_files(tmp_path, {"package.json": "{}", "bin/node": "#!/bin/sh\necho v18.19.0\n"})
    (tmp_path / "bin" / "node").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    packages = read_packages(tmp_path)
    assert not isinstance(packages, Missing)
    assert [(each.where, each.major, each.exact) for each in packages.node] == [("node on this machine", 18, False)]


@pytest.mark.parametrize("text", [".nvmrc: node", "<24", "*", "latest"])
def test_a_node_that_is_not_named_is_not_guessed(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A range without a lower end says nothing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    write_files(tmp_path, {"package.json": json.dumps({"engines": {"node": text}})})
    packages = read_packages(tmp_path)
    assert not isinstance(packages, Missing)
    assert packages.node == ()


def test_versions_are_ordered_by_numbers() -> None:
    """Not as text, and a pre-release comes before its release."""
    versions = ["2.112.2", "2.9.0", "2.112.10", "2.112.2-next.1", "v2.112.2+build", "1.99"]
    assert sorted(versions, key=version_key) == [
        "1.99",
        "2.9.0",
        "2.112.2-next.1",
        "2.112.2",
        "v2.112.2+build",
        "2.112.10",
    ]


def test_every_known_defect_has_an_end_and_a_source() -> None:
    """Affected before the version that mends it, not in that version itself."""
    for defect in DEFECTS:
        assert defect.source.startswith("https://github.com/supabase/")
        assert defect.affects("2.10.0") is (not defect.since)
        assert defect.affects(defect.fixed or "99.0.0") is (not defect.fixed)
