"""`workbook doctor` as a program is used: exit codes, JSON, terminals, interruption."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jsonschema
import psycopg
import pytest

from helpers.diagnosis.rules import RULES
from helpers.lab import Lab
from helpers.lab.network import BLACK_HOLE, network
from helpers.target import Target
from tests.doctor.conftest import LIMIT_S, Command, environment
from tests.run.conftest import descendants_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

PUBLISHED_SCHEMA = Path(__file__).resolve().parents[2] / "data" / "doctor.schema.json"


async def test_json_is_one_document_that_fits_its_schema(
    command: Command, practice: Lab, owner: psycopg.AsyncConnection
) -> None:
    """Standard output holds the document and nothing else, with every rule by its stable name."""
    told = await command("doctor", "--json", "--table", "shop.orders", target=practice.target)
    document = json.loads(told.out)
    jsonschema.validate(document, json.loads(PUBLISHED_SCHEMA.read_text()))
    assert (told.code, told.err) == (0, "")
    assert (document["format"], document["status"]) == ("workbook-doctor/1", "ok")
    assert {check["id"] for check in document["checks"]} == {rule.id for rule in RULES}
    assert sum(document["counts"].values()) == len(RULES)


async def test_the_published_schema_is_what_the_command_prints(command: Command) -> None:
    """Who validates with the file validates what this version prints; no target is needed for it."""
    told = await command("doctor", "--json-schema")
    assert told.code == 0
    assert told.out == PUBLISHED_SCHEMA.read_text()


async def test_warnings_have_an_exit_code_of_their_own(
    command: Command, practice: Lab, owner: psycopg.AsyncConnection
) -> None:
    """What works and will hurt is neither health nor failure; the first line names it."""
    await owner.execute("alter policy own on shop.orders using (user_id = auth.uid())")
    told = await command("doctor", "--table", "shop.orders", "--repeats", "1", target=practice.target)
    assert told.code == 3, told.out
    assert told.first.startswith("Nothing fails, but: ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--project", "/nonexistent/application"], "is not a folder"),
        (["--repeats", "0"], "--repeats 0"),
        (["--target", "moon"], "invalid choice"),
    ],
)
async def test_the_inputs_mistakes(command: Command, practice: Lab, arguments: list[str], says: str) -> None:
    """An option that cannot be used is told in a sentence, with nothing on standard output."""
    told = await command("doctor", *arguments, target=practice.target)
    assert (told.code, told.out) == (2, "")
    assert says in told.err
    assert "Traceback" not in told.err


async def test_a_target_that_is_none(command: Command) -> None:
    """Without a project in .env, `--target env` is a mistake in the input."""
    told = await command("doctor", "--target", "env")
    assert (told.code, told.out) == (2, "")
    assert "SUPABASE_URL is not set" in told.err


async def test_a_lab_of_its_own(command: Command, tmp_path: Path) -> None:
    """Without any project a lab is started, diagnosed down to the first change, and gone afterwards."""
    told = await command("doctor", "--json", "--repeats", "1")
    document = json.loads(told.out)
    assert document["target"].startswith("lab at ")
    assert [layer["status"] for layer in document["layers"] if layer["name"] == "change"] == ["ok"]
    assert told.code in (0, 3), told.out
    assert descendants_of(str(tmp_path)) == []


async def test_everything_on_demand(command: Command, practice: Lab, owner: psycopg.AsyncConnection) -> None:
    """What is fine and what was not checked is counted, and listed with `--all`."""
    short = await command("doctor", "--table", "shop.orders", "--repeats", "1", target=practice.target)
    long = await command("doctor", "--table", "shop.orders", "--repeats", "1", "--all", target=practice.target)
    assert "Every table is in the publication" not in short.out
    assert "Every table is in the publication" in long.out
    assert "checks, because no project folder was named" in short.out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_interrupted_it_leaves_nothing(
    practice: Lab, tmp_path: Path, number: signal.Signals, command: Command
) -> None:
    """Ctrl-C in the middle of a wait ends at once, says so, and leaves no process."""
    async with network(practice.target, BLACK_HOLE) as via:
        process = await _started(replace(via.target, database_url=None), tmp_path)
        await _until(lambda: via.counters.connections > 0)
        process.send_signal(number)
        out, err = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 130
    assert (out, b"Interrupted" in err, b"Traceback" in err) == (b"", True, False)
    assert descendants_of(str(tmp_path)) == []


async def test_interrupted_with_a_lab_it_leaves_nothing(tmp_path: Path) -> None:
    """The lab that was started for it ends with it."""
    process = await _started(None, tmp_path)
    await _until(lambda: len(descendants_of(str(tmp_path))) > 3)
    process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 130
    await _until(lambda: descendants_of(str(tmp_path)) == [])


async def test_interrupted_while_watching_the_rest_is_told(practice: Lab, tmp_path: Path) -> None:
    """Ctrl-C ends a watch before its time, and the diagnosis is printed with what was seen until then."""
    master, slave = pty.openpty()
    arguments = ("--watch", "600", "--repeats", "1")
    process = await _started(practice.target, tmp_path, *arguments, out=slave, TERM="xterm-256color", NO_COLOR="1")
    os.close(slave)
    loop = asyncio.get_running_loop()
    seen = await loop.run_in_executor(None, _read, master, b"Watching, 1 s")
    process.send_signal(signal.SIGINT)
    seen += await loop.run_in_executor(None, _read, master)
    assert await asyncio.wait_for(process.wait(), LIMIT_S) in (0, 3), seen
    assert b"1 run in " in seen
    assert b"Traceback" not in seen


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
async def test_colours_only_on_a_terminal_that_wants_them(
    practice: Lab, tmp_path: Path, variables: dict[str, str], coloured: bool
) -> None:
    """A terminal gets colours unless NO_COLOR is set; the progress is written there too."""
    master, slave = pty.openpty()
    unset = replace(practice.target, database_url=None, publishable_key="eyJx.eyJ9.x")
    process = await _started(unset, tmp_path, out=slave, TERM="xterm-256color", **variables)
    os.close(slave)
    seen = await asyncio.get_running_loop().run_in_executor(None, _read, master)
    assert await asyncio.wait_for(process.wait(), LIMIT_S) == 1
    assert (b"\x1b[1;31m" in seen) == coloured
    assert b"Going from DNS to the first change, 1 of 3" in seen


async def test_a_reader_that_goes_away(practice: Lab, tmp_path: Path) -> None:
    """`workbook doctor | head -1` prints one line and no complaint."""
    target = replace(practice.target, database_url=None)
    shell = await asyncio.create_subprocess_shell(
        f"{sys.executable} -m helpers doctor --all --repeats 1 | head -1",
        env=environment(target, tmp_path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(shell.communicate(), LIMIT_S)
    assert (out.count(b"\n"), err) == (1, b"")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["tables_published"], 0, "Every table is in the publication (tables_published"),
        (["CHANNEL_ERROR"], 0, "What you will see"),
        (["Token", "has", "expired"], 0, "(token_expired"),
        ([], 0, "tables_published"),
        (["wubbleflop"], 1, "No page fits"),
    ],
)
async def test_explain(command: Command, arguments: list[str], code: int, says: str) -> None:
    """A rule, a message, the whole list, or that nothing is known."""
    told = await command("explain", *arguments)
    assert (told.code, says in told.out) == (code, True), told


async def _started(
    target: Target | None, folder: Path, *arguments: str, out: int | None = None, **more: str
) -> asyncio.subprocess.Process:
    place = asyncio.subprocess.PIPE if out is None else out
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "helpers", "doctor", *arguments),
        env=environment(target, folder, **more),
        stdout=place,
        stderr=place,
        start_new_session=True,
    )


async def _until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.05)


def _read(terminal: int, until: bytes = b"") -> bytes:
    """What is written to a terminal until a word, or until its last writer has gone (which Linux tells as an error)."""
    seen = b""
    try:
        while chunk := os.read(terminal, 4096):
            seen += chunk
            if until and until in seen:
                return seen
    except OSError:
        pass
    os.close(terminal)
    return seen
