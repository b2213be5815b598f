"""The three places that name versions agree with each other and with what is installed."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
REQUIREMENTS = (ROOT / "requirements.txt").read_text()
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())

DIRECT = [Requirement(line) for line in PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["dev"]]
PINNED = [
    Requirement(line.removesuffix("\\").strip()) for line in REQUIREMENTS.splitlines() if re.match(r"[a-z0-9]", line)
]


def test_every_direct_dependency_is_pinned_exactly() -> None:
    """A direct dependency names one version, so that two people get the same."""
    assert [str(req) for req in DIRECT if not re.fullmatch(r"==[^*,]+", str(req.specifier))] == []


def test_requirements_hold_every_direct_dependency_at_its_version() -> None:
    """requirements.txt (which conda users install) has each direct dependency of pyproject.toml at the same version."""
    pinned = {(canonicalize_name(req.name), str(req.specifier)) for req in PINNED}
    missing = [str(req) for req in DIRECT if (canonicalize_name(req.name), str(req.specifier)) not in pinned]
    assert missing == []


def test_uv_constraints_are_the_same_pins() -> None:
    """`uv run` is constrained to exactly the versions of requirements.txt."""
    constraints = [Requirement(line) for line in PROJECT["tool"]["uv"]["constraint-dependencies"]]
    bare = [Requirement(str(req)) for req in PINNED]
    for req in bare:
        req.extras = set()
    for req in constraints:
        req.extras = set()
    assert {str(req) for req in constraints} == {str(req) for req in bare}


def test_every_pin_has_hashes_and_no_address() -> None:
    """Each pinned version lists its files' hashes, and no download address stands in any of the files."""
    blocks = re.split(r"\n(?=[a-z0-9])", REQUIREMENTS)[1:]
    assert len(blocks) == len(PINNED)
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    for name in ("requirements.txt", "pyproject.toml", "environment.yml"):
        assert "://" not in (ROOT / name).read_text(), name


def test_environment_yml_is_the_same_environment() -> None:
    """environment.yml names the project, its lower bound of Python, and takes every package from requirements.txt."""
    python, pip, packages = ENVIRONMENT["dependencies"]
    assert ENVIRONMENT["name"] == PROJECT["project"]["name"]
    assert python == f"python{PROJECT['project']['requires-python']}"
    assert pip == "pip"
    assert packages == {"pip": ["-r requirements.txt"]}


def test_the_running_environment_has_the_pinned_versions() -> None:
    """What runs these tests is what the pins say."""
    different = []
    for req in PINNED:
        if req.marker is not None and not Marker(str(req.marker)).evaluate():
            continue
        try:
            installed = version(req.name)
        except PackageNotFoundError:
            installed = "not installed"
        if installed not in req.specifier:
            different.append(f"{req} (here: {installed})")
    assert different == []
