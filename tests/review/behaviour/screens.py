"""Tabs of an application, open against a lab while a script of changes is played: what each ends up showing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import IO, Any

import httpx
import psycopg

from helpers.lab import Lab
from helpers.node import node_environment, node_executable

__all__ = ["RECORDED", "Screens", "play"]

_Database = psycopg.AsyncConnection[Any]

#: What each tab shows in the end, line by line.
Screens = Mapping[str, list[str]]

_HERE = Path(__file__).parent
#: What the sample application shows in the end, as `python -m tests.review.behaviour` prints it.
RECORDED = _HERE / "recorded.json"
_PASSWORD = "correct horse battery"
_LIMIT_S = 60.0
#: Nothing moves for this long: what was shown is what remains.
_STILL_S = 0.4


class Tab:
    """One open tab: the newest of what it shows."""

    def __init__(self, process: asyncio.subprocess.Process, log: IO[bytes]) -> None:
        self.lines: list[str] = []
        self.ready = False
        self.complaint = ""
        self.changed_at = asyncio.get_running_loop().time()
        self._process = process
        self._log = log
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            self.lines, self.ready = said["lines"], said["ready"]
            self.changed_at = asyncio.get_running_loop().time()
        self._log.seek(0)
        self.complaint = f"the tab ended: {self._log.read().decode()[-3000:]}"

    def tell(self, deed: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(deed).encode() + b"\n")

    async def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await self._listening


async def play(folder: Path, script: Path = _HERE / "script.json") -> Screens:
    """Play a script to a prepared application, in a lab of its own, and say what each tab shows in the end."""
    plot, migrations = _texts(folder, script)
    async with (
        Lab() as lab,
        await psycopg.AsyncConnection.connect(lab.info["database_url"], autocommit=True) as database,
    ):
        for migration in migrations:
            await database.execute(migration)
        people = {name: await _sign_up(lab, name) for name in plot["people"]}
        await _change(database, plot["before"], people)
        async with _open_tabs(folder, lab, plot["tabs"]) as tabs:
            for step in plot["steps"]:
                await _perform(step, database, people, tabs)
            return {name: tab.lines for name, tab in tabs.items()}


def _texts(folder: Path, script: Path) -> tuple[Any, list[bytes]]:
    """The script, and the application's migrations in their order."""
    migrations = sorted((folder / "supabase" / "migrations").glob("*.sql"))
    return json.loads(script.read_text()), [migration.read_bytes() for migration in migrations]


async def _perform(step: Any, database: _Database, people: Mapping[str, str], tabs: Mapping[str, Tab]) -> None:
    for name, deed in step.get("tab", {}).items():
        tabs[name].tell(deed)
    await _change(database, step.get("sql", []), people)
    await _settled(tabs, step["until"], step.get("gone", {}))


async def _change(database: _Database, statements: list[str], people: Mapping[str, str]) -> None:
    for statement in statements:
        for name, person in people.items():
            statement = statement.replace(f"{{{name}}}", f"'{person}'")
        await database.execute(statement.encode())


async def _sign_up(lab: Lab, name: str) -> str:
    async with httpx.AsyncClient(base_url=lab.info["api_url"], headers={"apikey": lab.info["anon_key"]}) as http:
        answer = await http.post("/auth/v1/signup", json={"email": _email(name), "password": _PASSWORD})
        answer.raise_for_status()
        return str(answer.json()["user"]["id"])


def _email(name: str) -> str:
    return f"{name.lower()}@example.com"


async def _settled(tabs: Mapping[str, Tab], until: Mapping[str, list[str]], gone: Mapping[str, list[str]]) -> None:
    """Wait until every tab shows what it should, has all of its channels, and nothing moves any more."""
    clock = asyncio.get_running_loop().time
    end = clock() + _LIMIT_S
    while (amiss := _amiss(tabs, until, gone)) or any(clock() - tab.changed_at < _STILL_S for tab in tabs.values()):
        assert not any(tab.complaint for tab in tabs.values()), {name: tab.complaint for name, tab in tabs.items()}
        shown = {name: tab.lines for name, tab in tabs.items()}
        assert clock() < end, f"{amiss} while the tabs show {json.dumps(shown, indent=1, ensure_ascii=False)}"
        await asyncio.sleep(0.05)


def _amiss(tabs: Mapping[str, Tab], until: Mapping[str, list[str]], gone: Mapping[str, list[str]]) -> list[str]:
    waiting = [f"{name} waits for a channel" for name, tab in tabs.items() if not tab.ready]
    missing = [f"{name} lacks {line}" for name, all in until.items() for line in all if line not in tabs[name].lines]
    left = [f"{name} has {line} still" for name, lines in gone.items() for line in lines if line in tabs[name].lines]
    return waiting + missing + left


@contextlib.asynccontextmanager
async def _open_tabs(folder: Path, lab: Lab, wanted: Mapping[str, Any]) -> AsyncIterator[dict[str, Tab]]:
    async with contextlib.AsyncExitStack() as stack:
        tabs: dict[str, Tab] = {}
        for name, tab in wanted.items():
            log = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
            tabs[name] = await _open(folder, lab, tab, log)
            stack.push_async_callback(tabs[name].close)
        yield tabs


async def _open(folder: Path, lab: Lab, tab: Mapping[str, Any], log: IO[bytes]) -> Tab:
    given = {"folder": str(folder), "email": _email(tab["person"]), "password": _PASSWORD, "shows": tab["shows"]}
    environment = node_environment() | {
        "NODE_ENV": "production",
        "NEXT_PUBLIC_SUPABASE_URL": lab.info["api_url"],
        "NEXT_PUBLIC_SUPABASE_ANON_KEY": lab.info["anon_key"],
    }
    process = await asyncio.create_subprocess_exec(
        str(node_executable()), str(_HERE / "tab.mjs"), json.dumps(given), env=environment, limit=2**24,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
    )  # fmt: skip
    return Tab(process, log)
