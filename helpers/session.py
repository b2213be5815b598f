"""The one target of a notebook: `await connect()` at its top, `await disconnect()` at its end."""

from __future__ import annotations

import asyncio
import atexit
import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
from dotenv import dotenv_values
from dotenv.parser import parse_stream

from helpers import workspace
from helpers.errors import SettingsError, TargetError
from helpers.places import repository_root
from helpers.preflight import preflight
from helpers.target import Target
from helpers.workspace import Workspace

if TYPE_CHECKING:
    from helpers.lab import Lab

__all__ = [
    "Which",
    "connect",
    "disconnect",
    "env_target",
    "lend",
    "read_env_file",
    "read_settings",
    "which_target",
    "with_tables",
]

Which = Literal["lab", "env"]

#: In this variable `workbook run` lends its own target to the notebooks that it executes.
LENT = "WORKBOOK_LENT_TARGET"


@dataclass(slots=True)
class _Session:
    """What this process holds open, and must give back.

    Attributes:
        lab: the target's own. beside: one that stands in for a project without the workbook's tables.
    """

    target: Target
    lab: Lab | None = None
    workspace: Workspace | None = None
    beside: Lab | None = None


_session: _Session | None = None
_lent: str | None = None


async def connect(which: Which | None = None) -> Target:
    """The Supabase to look at, with the workbook's own tables in it where writing is allowed.

    Args:
        which: ``"lab"`` starts the embedded Supabase, ``"env"`` takes the project that `.env` or the environment
            names. None asks `WORKBOOK_TARGET`; failing that it is the project if one is named, else the lab.

    One process has one target: further calls return it until `disconnect`.

    Raises:
        TargetError: `.env`, URL or keys are not usable.
        ConnectionFailed: the project does not answer, or refuses.
        LabError, PrismaError, NodeError: the lab or its tables could not be made.
    """
    global _session
    if _session is None:
        _session = _borrowed() or await _open(which_target(which))
    return _session.target


async def with_tables() -> Target:
    """What `connect` gave, if it has the workbook's own tables; else a lab beside it that has, until `disconnect`.

    Raises:
        LabError, PrismaError, NodeError: the lab or its tables could not be made.
    """
    target = await connect()
    assert _session is not None
    if target.writes_allowed:
        return target
    if _session.beside is None:
        _session.beside = await _filled_lab()
    return _session.beside.target


async def disconnect() -> None:
    """Give back what `connect` took: drop the workbook's own tables from a project, stop the lab."""
    global _session
    session, _session = _session, None
    if session is None:
        return
    if session.workspace is not None:
        await asyncio.to_thread(session.workspace.clear)
    for lab in (session.lab, session.beside):
        if lab is not None:
            await lab.stop()


def lend(target: Target) -> dict[str, str]:
    """The variables that make `connect` of a new process take a target that is ready for use.

    They hold its secrets, and are gone from the process after its first `connect`. No file is written, because a run
    that is killed would leave it behind.
    """
    return {LENT: msgspec.json.encode(target).decode()}


def _borrowed() -> _Session | None:
    """The target that was lent to this process. Whoever lent it cleans up."""
    global _lent
    _lent = os.environ.pop(LENT, None) or _lent
    return _Session(msgspec.json.decode(_lent, type=Target)) if _lent else None


async def _open(which: Which) -> _Session:
    return await _open_lab() if which == "lab" else await _open_project(env_target(read_settings()))


async def _open_lab() -> _Session:
    lab = await _filled_lab()
    return _Session(lab.target, lab=lab)


async def _filled_lab() -> Lab:
    from helpers.lab import Lab  # imports the web stack, which a hosted project does not need

    lab = await Lab.start()
    try:
        await workspace.fill(lab.target)
    except BaseException:
        await lab.stop()
        raise
    return lab


async def _open_project(target: Target) -> _Session:
    await preflight(target)
    return _Session(target, workspace=await workspace.prepare(target))


@atexit.register
def _clear_at_exit() -> None:
    """A kernel that ends without `disconnect` leaves no tables behind; its lab ends with it by itself."""
    if _session is not None and _session.workspace is not None:
        _session.workspace.clear()


def which_target(which: str | None) -> Which:
    """Decide between lab and project: the argument, then `WORKBOOK_TARGET`, then whether a project is named.

    Raises:
        SettingsError: something else than ``lab`` or ``env`` was asked for.
        TargetError: `.env` had to be read, and is corrupt.
    """
    asked = which or _named_target(read_settings())
    if asked == "lab":
        return "lab"
    if asked == "env":
        return "env"
    raise SettingsError("choosing the target", f"there is no target {asked!r}", "Say lab or env")


def _named_target(settings: Mapping[str, str]) -> str:
    return settings.get("WORKBOOK_TARGET") or ("env" if settings.get("SUPABASE_URL") else "lab")


def env_target(settings: Mapping[str, str]) -> Target:
    """The project that the settings name.

    Raises:
        TargetError: URL or key are missing or malformed, or writing is allowed but nowhere possible.
    """
    target = Target.from_env(settings)
    if target.writes_allowed and not target.database_url:
        raise TargetError(
            "reading the target from .env and the environment",
            "WORKBOOK_ALLOW_WRITES is set, but DATABASE_URL is not",
            "Set DATABASE_URL to the project's PostgreSQL connection string, or remove WORKBOOK_ALLOW_WRITES",
        )
    return target


def read_settings() -> dict[str, str]:
    """All variables: `.env` (or the file that `WORKBOOK_ENV_FILE` names), overridden by the environment.

    Raises:
        TargetError: the file is corrupt.
    """
    return {**read_env_file(_env_file()), **os.environ}


def _env_file() -> Path:
    override = os.environ.get("WORKBOOK_ENV_FILE")
    if override:
        return Path(override)
    here = Path.cwd()
    # Notebooks run in their own folder; the `.env` of a workshop's folder lies above it.
    above = [folder / ".env" for folder in here.parents if (folder / "notebooks").is_dir()]
    return next((path for path in (here / ".env", *above) if path.exists()), repository_root() / ".env")


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of a `.env` file; none if there is no such file.

    Raises:
        TargetError: with the number of the line at fault, and never its text, which may hold a secret.
    """
    if not path.exists():
        return {}
    text = _env_text(path)
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            raise _corrupt(path, f"line {_first_line(binding.original.line, binding.original.string)}")
    return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value is not None}


def _env_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise TargetError(f"reading {path}", error.strerror or str(error), "Make .env a file you may read") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _corrupt(path, f"line {line}") from None
    before, zero, _ = text.partition("\0")
    if zero:
        line = before.count("\n") + 1
        raise _corrupt(path, f"line {line}")
    return text


def _first_line(line: int, source: str) -> int:
    """The parser counts the blank lines before a binding to it; the reader looks for the text."""
    return line + source[: len(source) - len(source.lstrip())].count("\n")


def _corrupt(path: Path, place: str) -> TargetError:
    return TargetError(
        f"reading {path}", f"{place} is not of the form NAME=value", f"Correct {place}; .env.example shows the form"
    )
