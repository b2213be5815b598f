"""No secret stands in anything that a diagnosis shows or leaves: not as it is, not in a URL, not within Base64."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote

import psycopg
import pytest
from aiohttp import web

from helpers.diagnosis import Diagnosis, diagnose, would_arrive
from helpers.diagnosis.document import as_json
from helpers.diagnosis.probes.connection import BODY_CHARACTERS
from helpers.errors import WorkbookError
from helpers.lab import Lab
from helpers.target import Target
from tests.diagnosis import strangers
from tests.doctor.conftest import Command

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
#: With signs that a URL, JSON and HTML each escape in their own way.
PASSWORD = "Planted/p@ss w0rd&\"ü'+%"
PROJECT_PASSWORD = "Planted-in-the-project's-env"
PROXY_PASSWORD = "Planted_for_the_proxy?"
BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}")


@dataclass(frozen=True)
class Planted:
    """A target with recognisable secrets, the variables of its shell, and all the secrets."""

    target: Target
    variables: dict[str, str]
    project: Path
    secrets: tuple[str, ...]

    def found_in(self, *texts: str) -> list[str]:
        return [secret for secret in self.secrets for text in texts for view in views(text) if secret in view]


def views(text: str) -> Iterator[str]:
    """A text as it is, with what is escaped taken back, and all that could be Base64 in it decoded."""
    yield text
    yield unquote(text)
    yield unquote(text.replace("+", " "))
    yield text.replace('\\"', '"').replace("\\\\", "\\")
    for run in BASE64.findall(text):
        for start in range(4):
            part = run[start:].replace("-", "+").replace("_", "/")
            yield base64.b64decode(part[: len(part) // 4 * 4]).decode("utf-8", "replace")


@pytest.fixture
async def planted(practice: Lab, tmp_path: Path) -> AsyncIterator[Planted]:
    """The lab with a role whose password is planted, a user's token, a proxy and a project with a `.env`."""
    url = practice.info["database_url"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        literal = PASSWORD.replace("'", "''")
        await connection.execute(f"create role planted login in role authenticated password '{literal}'".encode())
        try:
            yield plant(practice, tmp_path)
        finally:
            await connection.execute("drop role planted")


def plant(lab: Lab, folder: Path) -> Planted:
    database = lab.info["database_url"].rpartition("@")[2]
    token = lab.token("authenticated", sub="00000000-0000-4000-8000-000000000001")
    target = replace(
        lab.target,
        database_url=f"postgresql://planted:{quote(PASSWORD, safe='')}@{database}",
        publishable_key=lab.info["anon_key"],
        secret_key=lab.info["service_role_key"],
        user_token=token,
        writes_allowed=False,
    )
    project = folder / "project"
    (project / "prisma").mkdir(parents=True)
    (project / ".env").write_text(f"DATABASE_URL=postgresql://app:{PROJECT_PASSWORD}@127.0.0.1:1/app\n")
    (project / "prisma" / "schema.prisma").write_text(SCHEMA)
    variables = {
        "WORKBOOK_USER_TOKEN": token,
        "SUPABASE_SECRET_KEY": str(target.secret_key),
        "HTTPS_PROXY": f"http://proxy:{quote(PROXY_PASSWORD, safe='')}@127.0.0.1:1",
        "HTTP_PROXY": f"http://proxy:{quote(PROXY_PASSWORD, safe='')}@127.0.0.1:1",
    }
    # A part of a signature is as telling as the whole: what is cut off in its middle is found, too.
    signatures = [each.rpartition(".")[2][:12] for each in (target.publishable_key, str(target.secret_key), token)]
    return Planted(
        target,
        variables,
        project,
        (PASSWORD, PROJECT_PASSWORD, PROXY_PASSWORD, lab.info["jwt_secret"], *signatures),
    )


SCHEMA = """
datasource db { provider = "postgresql"  url = env("DATABASE_URL") }
generator client { provider = "prisma-client-js" }
model Order { id String @id @db.Uuid  @@map("orders") }
"""


async def test_the_oracle_sees_each_spelling() -> None:
    """The search itself finds a secret in each form in which it could leave."""
    secret = Planted(Target(kind="lab", api_url="", publishable_key=""), {}, Path(), (PASSWORD,))  # type: ignore[arg-type]
    within = [base64.b64encode(b"x" * before + PASSWORD.encode() + b"yyy").decode() for before in range(3)]
    for text in (PASSWORD, quote(PASSWORD, safe=""), *within, *(each.replace("/", "_") for each in within)):
        assert secret.found_in(f"seen: {text}."), text


@pytest.mark.parametrize("arguments", [["--all"], ["--json"]], ids=["text", "json"])
async def test_the_shell(command: Command, planted: Planted, arguments: list[str]) -> None:
    """Neither standard output nor standard error of a working target."""
    options = ("doctor", *arguments, "--repeats", "1", "--project", str(planted.project))
    told = await command(*options, target=planted.target, **planted.variables)
    assert told.code in (0, 1, 3), told.err
    assert planted.found_in(told.out, told.err) == []


#: How a server may send back what it was sent: as it came, decoded, in Base64, and cut off in the middle of the key.
ECHOES: dict[str, Callable[[str], str]] = {
    "as it came": lambda said: said,
    "decoded": unquote,
    "in Base64": lambda said: base64.b64encode(said.encode()).decode(),
    "in Base64, moved by one": lambda said: base64.b64encode(b"." + said.encode()).decode(),
    "cut off within the signature": lambda said: said.partition("&")[0].rjust(BODY_CHARACTERS + 10, "."),
}


@asynccontextmanager
async def echoing(echo: Callable[[str], str]) -> AsyncIterator[str]:
    """A server that refuses everything, and answers with what it was asked, in body and headers."""

    async def answer(request: web.Request) -> web.Response:
        said = echo(request.path_qs)
        return web.json_response({"error": said}, status=401, headers={"Via": said, "X-Echo": said})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with strangers.http(application) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("echo", ECHOES)
async def test_a_server_that_echoes(planted: Planted, echo: str) -> None:
    """Whatever a server sends back of what it was sent is masked, in each spelling, also where it is cut."""
    async with echoing(ECHOES[echo]) as url:
        target = replace(planted.target, api_url=url)
        texts = shown(await diagnose(target, repeats=1))
    assert planted.found_in(*texts) == []


async def test_a_server_that_echoes_to_the_shell(command: Command, planted: Planted) -> None:
    """The same through the command."""
    async with echoing(ECHOES["in Base64"]) as url:
        told = await command("doctor", "--json", target=replace(planted.target, api_url=url), **planted.variables)
    assert '"HTTP 401' in told.out
    assert planted.found_in(told.out, told.err) == []


async def test_a_database_that_refuses(command: Command, planted: Planted) -> None:
    """What a driver says about a URL that does not work is told without it."""
    wrong = replace(planted.target, database_url=str(planted.target.database_url) + "-nosuch?sslmode=nosuch")
    told = await command("doctor", "--all", "--repeats", "1", target=wrong, **planted.variables)
    assert planted.found_in(told.out, told.err) == []


def shown(diagnosis: Diagnosis) -> list[str]:
    """All that a diagnosis can show itself as."""
    return [
        *(str(diagnosis), repr(diagnosis), diagnosis._repr_html_(), as_json(diagnosis)),
        diagnosis.to_frame().to_csv(),
        diagnosis.layers_frame().to_csv(),
    ]


async def test_the_result_in_python(planted: Planted) -> None:
    """Text, repr, HTML, frames, and the answer whether a change would arrive."""
    assert planted.found_in(*shown(await diagnose(planted.target, repeats=1, project=planted.project))) == []
    try:
        arrival = await would_arrive(planted.target, table="events", event="DELETE")
        texts = [str(arrival), repr(arrival), arrival._repr_html_()]
    except WorkbookError as error:
        texts = [str(error), repr(error), "\n".join(error._render_traceback_())]
    assert planted.found_in(*texts, repr(planted.target), str(planted.target)) == []


async def test_notebooks_and_report(command: Command, planted: Planted, tmp_path: Path) -> None:
    """What a run leaves: executed notebooks, results, report. Each file is searched."""
    notebooks, out = tmp_path / "notebooks", tmp_path / "out"
    notebooks.mkdir()
    for name in ("01_diagnosis", "04_report", "06_auth_and_rls"):
        shutil.copy(NOTEBOOKS / f"{name}.ipynb", notebooks)
    options = ("run", "--target", "env", "--notebooks", str(notebooks), "--out", str(out))
    told = await command(*options, target=planted.target, **planted.variables)
    assert told.code == 0, told.err
    left = [path.read_text(errors="replace") for path in out.rglob("*") if path.is_file()]
    assert len(left) >= 5
    assert planted.found_in(told.out, told.err, *left) == []
