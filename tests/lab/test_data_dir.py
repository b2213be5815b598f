"""A lab whose database is kept."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
import supabase

from helpers.errors import LabError, SettingsError
from helpers.lab import Lab, LabSettings
from tests.lab.footprint import Footprint


@pytest.fixture
def unwritable(place: Path) -> Iterator[Path]:
    """A folder that we may not write: root may write any, but for one on a read-only file system."""
    if os.geteuid() != 0:
        place.mkdir(mode=0o500)
        yield place
        return
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("root may not mount a read-only file system here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(scope="module")
def store() -> Iterator[Path]:
    """A folder for the tests of this file, that PostgreSQL's account may enter."""
    folder = Path(tempfile.mkdtemp(prefix="made-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def made(store: Path) -> Path:
    """What a lab has left in its folder; to be copied, and not to be touched."""
    async with Lab(LabSettings(data_dir=store / "lab")):
        pass
    return store / "lab"


@pytest.fixture
def kept(made: Path, place: Path) -> Path:
    """A copy of what a lab has left, with the files' owners."""
    subprocess.run(["cp", "-a", str(made), str(place)], check=True)
    return place


def put(file: Path, text: str) -> None:
    """Write a file, and make its folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def count(lab: Lab) -> int:
    """The rows in table kept."""
    with psycopg.connect(lab.info["database_url"]) as db:
        row = db.execute("select count(*) from kept").fetchone()
    assert row is not None
    return int(row[0])


async def test_data_and_keys_are_kept(place: Path) -> None:
    """Rows, users and keys are there again after the lab was stopped and after it was killed."""
    async with Lab(LabSettings(data_dir=place)) as lab:
        first = lab.info
        with psycopg.connect(first["database_url"], autocommit=True) as db:
            db.execute("create table kept (a int); insert into kept values (1)")
            assert db.execute("show fsync").fetchone() == ("on",)
        client = await supabase.acreate_client(first["api_url"], first["anon_key"])
        await client.auth.sign_up({"email": "kept@example.com", "password": "correct horse"})

    lab = await Lab.start(LabSettings(data_dir=place))
    same = ("anon_key", "service_role_key", "publishable_key", "secret_key", "jwt_secret")
    assert [lab.info[name] for name in same] == [first[name] for name in same]
    assert count(lab) == 1
    with psycopg.connect(lab.info["database_url"], autocommit=True) as db:
        db.execute("insert into kept values (2)")
    footprint = Footprint.of_lab(lab)
    footprint.processes[0].kill()

    async with Lab(LabSettings(data_dir=place)) as again:  # at once: it waits for the killed lab's server
        assert count(again) == 2
        client = await supabase.acreate_client(again.info["api_url"], again.info["anon_key"])
        await client.auth.sign_in_with_password({"email": "kept@example.com", "password": "correct horse"})
    assert await footprint.gone() == []
    await lab.stop()


async def test_keys_are_private(made: Path) -> None:
    """The file that holds the keys is closed to others."""
    assert (made / "lab.json").stat().st_mode & 0o077 == 0


async def test_a_copy_is_as_good(kept: Path) -> None:
    """A folder that was copied elsewhere, with its owners, is a lab's as well."""
    async with Lab(LabSettings(data_dir=kept)) as lab:
        assert lab.running


async def test_in_use(place: Path) -> None:
    """A second lab on the same folder is refused, and the first goes on."""
    async with Lab(LabSettings(data_dir=place)) as lab:
        with pytest.raises(SettingsError, match="in use by another lab"):
            await Lab.start(LabSettings(data_dir=place))
        assert lab.running


async def test_other_version(kept: Path) -> None:
    """A database of another PostgreSQL is refused, with both versions named, and not touched."""
    (kept / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(SettingsError, match=r"made by PostgreSQL 15.*\n.*runs PostgreSQL 18"):
        await Lab.start(LabSettings(data_dir=kept))
    assert (kept / "postgres" / "PG_VERSION").read_text() == "15\n"


@pytest.mark.parametrize(
    ("victim", "words"),
    [
        ("postgres/PG_VERSION", "is damaged"),
        ("postgres/global/pg_control", "pg_control"),
        ("postgres/global/pg_filenode.map", "pg_filenode.map"),
        ("lab.json", "is damaged"),
    ],
)
async def test_damaged(kept: Path, victim: str, words: str) -> None:
    """A damaged folder is refused with what is damaged, and is left as it was."""
    file = kept / victim
    if victim == "lab.json":
        file.write_text('{"jwt_secret": ')
    else:
        file.unlink()
    with pytest.raises((SettingsError, LabError)) as caught:
        await Lab.start(LabSettings(data_dir=kept))
    assert words in str(caught.value)


async def test_foreign_folders(place: Path) -> None:
    """A folder that holds something else, and a bare PostgreSQL data directory, are refused and not touched."""
    put(place / "thesis.txt", "do not overwrite")
    with pytest.raises(SettingsError, match="holds other files"):
        await Lab.start(LabSettings(data_dir=place))
    (place / "PG_VERSION").write_text("18\n")
    with pytest.raises(SettingsError, match="but not a lab's"):
        await Lab.start(LabSettings(data_dir=place))
    assert (place / "thesis.txt").read_text() == "do not overwrite"


async def test_interrupted_making_starts_over(place: Path) -> None:
    """A folder whose making was interrupted, so that it has no keys yet, is made anew."""
    (place / "postgres" / "base").mkdir(parents=True)
    async with Lab(LabSettings(data_dir=place)) as lab:
        assert lab.running
    assert set(json.loads((place / "lab.json").read_text())) >= {"jwt_secret", "database_password"}


async def test_no_folder(place: Path) -> None:
    """A path that is a file, or lies below one, is refused."""
    put(place, "")
    for path in (place, place / "below"):
        with pytest.raises(SettingsError, match="cannot be used"):
            await Lab.start(LabSettings(data_dir=path))


async def test_relative_path(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path means one below the present folder, not below the lab process's."""
    monkeypatch.chdir(place.parent)
    async with Lab(LabSettings(data_dir=Path("lab"))):
        assert (place / "lab.json").is_file()


async def test_folder_that_cannot_be_written(unwritable: Path) -> None:
    """A folder that cannot be written is refused with the system's reason."""
    with pytest.raises(SettingsError, match=r"cannot be used: (Permission denied|Read-only file system)"):
        await Lab.start(LabSettings(data_dir=unwritable))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's lab runs PostgreSQL as another account")
async def test_folder_that_the_account_cannot_enter(tmp_path: Path) -> None:
    """Root's lab refuses a folder in a place that is closed to PostgreSQL's account, and leaves that place closed."""
    with pytest.raises(SettingsError, match="its own account cannot enter"):
        await Lab.start(LabSettings(data_dir=tmp_path / "lab"))
    assert not (tmp_path / "lab" / "postgres").exists()
