"""Where one lab lives: a folder of its own for sockets, and its database, which is kept only if a place is named."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from helpers.errors import LabError, SettingsError
from helpers.lab.children import Children
from helpers.lab.cluster import copy_template
from helpers.lab.installation import PG_MAJOR, Installation
from helpers.lab.keys import Keys
from helpers.lab.server import Tuning
from helpers.locks import wait_for_lock

__all__ = ["Home", "open_home"]

#: The longest path of a unix socket on macOS, less the name of PostgreSQL's; Linux allows four bytes more.
_LONGEST_FOLDER = 103 - len("/.s.PGSQL.65535")
#: Seconds that a lab which was killed may take to let go of its data: its server still has to end.
_LOCK_PATIENCE = 3.0
_TRIED = "opening the lab's data folder"
_OTHER = "Name another folder, or a new one"


@dataclass(slots=True)
class Home:
    """The lab's folder (removed at the end), its database, its keys, and the lock on what is kept."""

    folder: Path
    data: Path
    keys: Keys
    tuning: Tuning
    lock: IO[str] | None = None

    def close(self) -> None:
        """Remove what is not kept, and let go of what is. Blocking."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.lock:
            self.lock.close()


def open_home(installation: Installation, children: Children, data_dir: Path | None) -> Home:
    """Make the lab's folder, and its database where there is none yet. Blocking.

    Raises:
        SettingsError: `data_dir` cannot be used.
        LabError: no space, or the database could not be made.
    """
    folder = _new_folder(installation)
    children.remove_at_end(folder)
    try:
        if data_dir is not None:
            return _open_kept(installation, children, folder, data_dir)
        data = folder / "postgres"
        data.mkdir(mode=0o700)
        installation.give(data)
        copy_template(installation, children, data)
        return Home(folder, data, Keys.generate(), Tuning.DISPOSABLE)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _new_folder(installation: Installation) -> Path:
    """A folder that only we and PostgreSQL may enter, with a path short enough for a socket."""
    tried, advice = "making the lab's folder", "Set TMPDIR to a folder with a short path that every account may enter"
    problem = "no folder for temporary files can be used"
    for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp")):
        name = Path(parent) / "workbook-lab-"
        if len(str(name)) + 8 > _LONGEST_FOLDER:
            continue
        try:
            folder = Path(tempfile.mkdtemp(prefix=name.name, dir=parent))
        except OSError as error:
            problem = f"{parent}: {error.strerror}"
            continue
        installation.give(folder)
        if installation.may_write(folder):
            return folder
        folder.rmdir()
    raise LabError(tried, problem, advice)


def _open_kept(installation: Installation, children: Children, folder: Path, data_dir: Path) -> Home:
    place = data_dir
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock = wait_for_lock(place / "lock", _LOCK_PATIENCE)
    except OSError as error:
        raise SettingsError(_TRIED, f"{place} cannot be used: {error.strerror}", "Name a folder of your own") from error
    if lock is None:
        raise SettingsError(_TRIED, f"{place} is in use by another lab", "End that lab, or name another folder")
    try:
        keys = _kept_keys(place) or _make_kept(installation, children, place)
        _check_version(place / "postgres")
    except BaseException:
        lock.close()
        raise
    return Home(folder, place / "postgres", keys, Tuning.DURABLE, lock)


def _kept_keys(place: Path) -> Keys | None:
    """The keys that were written when the folder was complete; None for a new folder."""
    file = place / "lab.json"
    if not file.is_file():
        strangers = {item.name for item in place.iterdir()} - {"lock", "postgres"}
        if (place / "PG_VERSION").exists():
            raise SettingsError(_TRIED, f"{place} is a PostgreSQL data directory, but not a lab's", _OTHER)
        if strangers:
            raise SettingsError(_TRIED, f"{place} holds other files ({min(strangers)}) and no lab", _OTHER)
        return None
    try:
        return msgspec.json.decode(file.read_bytes(), type=Keys)
    except (OSError, msgspec.MsgspecError) as error:
        raise SettingsError(_TRIED, f"{file} is damaged: {error}", _OTHER) from error


def _make_kept(installation: Installation, children: Children, place: Path) -> Keys:
    """Copy the template there, and last of all write the keys, which say that the folder is complete."""
    data = place / "postgres"
    shutil.rmtree(data, ignore_errors=True)  # of a start that was interrupted
    data.mkdir(mode=0o700)
    installation.give(data)
    if not installation.may_write(data):
        data.rmdir()
        happened = f"PostgreSQL does not run as root, and its own account cannot enter {place}"
        raise SettingsError(_TRIED, happened, "Name a folder outside of root's home, under /srv or /var/lib say")
    copy_template(installation, children, data)
    keys = Keys.generate()
    partial = place / "lab.json.part"
    partial.touch(mode=0o600)
    partial.write_bytes(msgspec.json.encode(keys))
    partial.rename(place / "lab.json")
    return keys


def _check_version(data: Path) -> None:
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise SettingsError(_TRIED, f"the database in {data} is damaged: PG_VERSION is missing", _OTHER) from error
    if version != str(PG_MAJOR):
        advice = f"Keep it with that version's programs, or name another folder; this lab runs PostgreSQL {PG_MAJOR}"
        raise SettingsError(_TRIED, f"{data} was made by PostgreSQL {version[:20]}", advice)
