"""Which target a notebook gets, and what a wrong .env says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from helpers import session
from helpers.errors import SettingsError, TargetError
from helpers.session import env_target, lend, read_env_file, read_settings, which_target
from helpers.target import Target, TargetKind

SECRET = "sb_secret_do_not_show_me"


@pytest.fixture(autouse=True)
def no_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment that names no project; the file that `.env` is read from."""
    for name in ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY", "DATABASE_URL", "WORKBOOK_TARGET", session.LENT):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORKBOOK_ENV_FILE", str(tmp_path / ".env"))
    return tmp_path / ".env"


def test_env_file_is_read(no_project: Path) -> None:
    """Comments, quotes, export and an empty line are all fine."""
    no_project.write_text("# mine\n\nexport A=1\nB='two words'\nC=\"x\"\n")
    assert read_env_file(no_project) == {"A": "1", "B": "two words", "C": "x"}


def test_environment_beats_env_file(no_project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the shell says counts more than the file."""
    no_project.write_text("SUPABASE_URL=http://file\n")
    monkeypatch.setenv("SUPABASE_URL", "http://shell")
    assert read_settings()["SUPABASE_URL"] == "http://shell"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (f"A=1\n{SECRET}\n".encode(), 2),
        (f'A=1\n\n\nB="{SECRET}\nC=2\n'.encode(), 4),
        (f"A=1\n{SECRET} = = =\n=\n".encode(), 3),
        (b"A=1\nB=\xff\xfe\n", 2),
        (b"A=1\nB=2\nC=\x00\n", 3),
    ],
)
def test_corrupt_env_file(no_project: Path, content: bytes, line: int) -> None:
    """A corrupt .env is told by file and line, and never by its text."""
    no_project.write_bytes(content)
    with pytest.raises(TargetError, match=rf"line {line}\b") as caught:
        read_settings()
    assert SECRET not in str(caught.value)
    assert str(no_project) in str(caught.value)


def test_env_that_is_a_folder(no_project: Path) -> None:
    """A folder in the place of .env is one clear message."""
    no_project.mkdir()
    with pytest.raises(TargetError, match="may read"):
        read_settings()


def test_lab_is_the_default() -> None:
    """With nothing set, the lab is taken."""
    assert which_target(None) == "lab"


def test_named_project_is_taken(no_project: Path) -> None:
    """A project in .env is taken, unless the lab is asked for."""
    no_project.write_text("SUPABASE_URL=https://x.supabase.co\n")
    assert which_target(None) == "env"
    assert which_target("lab") == "lab"
    no_project.write_text("SUPABASE_URL=https://x.supabase.co\nWORKBOOK_TARGET=lab\n")
    assert which_target(None) == "lab"


def test_unknown_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are two targets to choose from, and the message names them."""
    monkeypatch.setenv("WORKBOOK_TARGET", "production")
    with pytest.raises(SettingsError, match="lab or env"):
        which_target(None)


def test_writes_need_a_database() -> None:
    """Permission to write without a database to write to is told at once."""
    settings = {
        "SUPABASE_URL": "https://x.supabase.co",
        "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_x",
        "WORKBOOK_ALLOW_WRITES": "yes",
    }
    with pytest.raises(TargetError, match="DATABASE_URL"):
        env_target(settings)


async def test_borrowed_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook takes the target that the run lends it, as often as it connects, and then holds no such variable."""
    target = Target(TargetKind.LAB, "http://127.0.0.1:1", "key", SECRET, "postgresql://x", "jwt", writes_allowed=True)
    for name, value in lend(target).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(session, "_session", None)
    monkeypatch.setattr(session, "_lent", None)
    for which in (None, "env"):
        assert await session.connect(which) == target
        assert not any(SECRET in value for value in os.environ.values())
        await session.disconnect()
