"""Node and the parts that run on it."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from helpers.node import node_environment, node_executable, npm_parts

MANIFEST = Path(__file__).resolve().parents[2] / "helpers" / "npm"


def test_lock_is_pinned_by_hash_and_holds_no_address() -> None:
    """Every part is pinned to an exact version and a hash, and nothing says where to download it."""
    wanted = json.loads((MANIFEST / "package.json").read_text())["dependencies"]
    packages = json.loads((MANIFEST / "package-lock.json").read_text())["packages"]
    assert packages[""]["dependencies"] == wanted
    for name, version in wanted.items():
        assert packages[f"node_modules/{name}"]["version"] == version
    for path, package in packages.items():
        assert "resolved" not in package
        assert not path or package["integrity"].startswith("sha512-"), path


def test_named_node_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    """WORKBOOK_NODE names the Node to run."""
    bundled = node_executable()
    monkeypatch.setenv("WORKBOOK_NODE", str(bundled))
    assert node_executable() == bundled


def test_node_on_the_path_is_the_last_resort(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package, a node on the PATH that is new enough will do."""
    bundled = node_executable()
    monkeypatch.setattr("helpers.node._wheel_folder", lambda: None)
    monkeypatch.setenv("PATH", str(bundled.parent))
    assert node_executable() == bundled


def test_parts_are_installed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of several who want the parts at once one installs them, the others wait and get the same folder."""
    installed: list[Path] = []

    def install(staging: Path) -> None:
        installed.append(staging)
        (staging / "node_modules").mkdir()

    monkeypatch.setenv("WORKBOOK_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("helpers.node._run_npm", install)
    told: list[str] = []
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(npm_parts(told.append))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (len(installed), len(told), len(found), len(set(found))) == (1, 1, 4, 1)
    assert (found[0] / "node_modules").is_dir()


def test_failed_installation_leaves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installation that fails half-way leaves no folder that a later call would take for complete."""

    def fail(staging: Path) -> None:
        (staging / "node_modules").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setenv("WORKBOOK_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("helpers.node._run_npm", fail)
    with pytest.raises(KeyboardInterrupt):
        npm_parts(lambda line: None)
    assert [path for path in (tmp_path / "npm").iterdir() if path.is_dir()] == []


def test_leftovers_of_a_killed_installation_are_removed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What an installation that was killed left behind is removed by the next."""
    monkeypatch.setenv("WORKBOOK_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr("helpers.node._run_npm", lambda staging: None)
    folder = npm_parts(lambda line: None)
    folder.rename(folder.with_name(f"{folder.name}.part-killed"))
    npm_parts(lambda line: None)
    assert [path.name for path in (tmp_path / "npm").iterdir() if path.is_dir()] == [folder.name]


def test_environment_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Node process of ours sends telemetry or preloads what the user's shell asks for."""
    monkeypatch.setenv("NODE_OPTIONS", "--require ./mine.js")
    environment = node_environment()
    assert environment["DO_NOT_TRACK"] == "1"
    assert "NODE_OPTIONS" not in environment
