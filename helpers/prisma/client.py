"""`await prisma_client(target)`: the generated client, connected through an engine process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from helpers.database_url import prisma_url, schema_in, without_password
from helpers.errors import PrismaError
from helpers.prisma.datamodel import Datamodel, read_datamodel
from helpers.prisma.engines import EngineCommand, choose_engine
from helpers.prisma.generate import SCHEMA, client_module
from helpers.target import Target

__all__ = ["Prisma", "datamodel_of", "json_type", "prisma_client", "schema_of", "statements_sent"]

#: The generated client: a class that exists only after generation, so no type checker can know its models.
Prisma = Any

_TRIED = "connecting Prisma to the database"
READY_LIMIT_S = 20.0
#: Queries in flight at once. More only wait in httpx's pool, which gets slower with each that waits:
#: `tests.benchmarks.bench_prisma` shows the difference.
CONCURRENT_QUERIES = 4
STOP_LIMIT = timedelta(seconds=2)
_POLL_S = 0.01


async def prisma_client(target: Target, schema: Path = SCHEMA) -> Prisma:
    """A connected Prisma client for the tables in `target.schema`; `await client.disconnect()` ends it.

    Use it as in any application: ``await client.message.create(data={…})``, ``client.batch_()``, ``client.tx()``.
    The first call on a machine generates the client. The engine is a process in a session of its own, so that an
    interrupt in a notebook does not reach it; it ends with this process, however this one ends.

    Args:
        schema: file of another `schema.prisma` than the workbook's; its generator must be `prisma-client-py`.

    Raises:
        PrismaError: no database URL, no generated client, or no connection: with the engine's own reason.
        NodeError: the engine's parts are not to be had.
    """
    if not target.database_url:
        raise PrismaError(_TRIED, "Prisma needs the database itself", "Set DATABASE_URL")
    url = prisma_url(target.database_url, target.schema)
    module, engine = await asyncio.gather(asyncio.to_thread(client_module, schema), asyncio.to_thread(choose_engine))
    client = module.Prisma(use_dotenv=False, http={"trust_env": False}, datasource={"url": url})
    client._internal_engine = _taking_turns(await _start(module, engine, url))
    return client


def json_type(client: Prisma) -> Callable[[Any], Any]:
    """The client's own wrapper, in which a value for a field of type Json has to be passed."""
    package = type(client).__module__.rpartition(".")[0]
    wrapper: Callable[[Any], Any] = sys.modules[package].Json
    return wrapper


def datamodel_of(client: Prisma) -> Datamodel:
    """Of the schema that the client was generated from."""
    return _datamodel(sys.modules[type(client).__module__].PACKAGED_SCHEMA_PATH)


def schema_of(client: Prisma) -> str:
    """The schema of the database that the client's URL names, as Prisma's own queries do; empty if it is not known
    because the client got its URL from the environment."""
    url = (client._datasource or {}).get("url", "")
    return schema_in(url) if url else ""


@cache
def _datamodel(schema: Path) -> Datamodel:
    return read_datamodel(schema)


async def statements_sent(client: Prisma) -> int:
    """How many SQL statements the client's engine has sent to the database since it started."""
    metrics = await client.get_metrics()
    return sum(one.value for one in metrics.counters if one.key == "prisma_datasource_queries_total")


async def _start(module: ModuleType, engine: EngineCommand, url: str) -> Any:
    """Start the process and wait until it answers.

    The client's own way of doing this polls for 10 s whatever happens, and loses the reason of a failure.
    """
    token = secrets.token_urlsafe()
    port = _free_port()
    handle = module.engine.AsyncQueryEngine(
        dml_path=module.client.PACKAGED_SCHEMA_PATH, http_config={"trust_env": False}
    )
    handle.headers = {"authorization": f"Bearer {token}"}
    handle.url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile("w+") as complaints:
        handle.process = _spawn(engine, module, port, url, token, complaints)
        try:
            await _until_ready(handle, complaints, url)
        except BaseException:
            await handle.aclose(timeout=STOP_LIMIT)
            raise
    return handle


def _taking_turns(handle: Any) -> Any:
    """Let few queries go at once. Those of a transaction always may: others could wait for what it holds."""
    turns = asyncio.Semaphore(CONCURRENT_QUERIES)
    ask = handle.query

    async def query(content: str, *, tx_id: str | None) -> Any:
        if tx_id is not None:
            return await ask(content, tx_id=tx_id)
        async with turns:
            return await ask(content, tx_id=tx_id)

    handle.query = query
    return handle


def _spawn(
    engine: EngineCommand, module: ModuleType, port: int, url: str, token: str, complaints: IO[str]
) -> subprocess.Popen[bytes]:
    datasource = [{"name": "db", "url": url}]
    environment = engine.environment | {
        "PRISMA_DML_PATH": str(module.client.PACKAGED_SCHEMA_PATH),
        "OVERWRITE_DATASOURCES": json.dumps(datasource),
        "PRISMA_ENGINE_TOKEN": token,
        "PRISMA_ENGINE_PROTOCOL": "graphql",
        "RUST_LOG": "error",
        "RUST_LOG_FORMAT": "json",
    }
    return subprocess.Popen(
        [*engine.command, "--port", str(port)], env=environment, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=complaints,
    )  # fmt: skip


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def _until_ready(handle: Any, complaints: IO[str], url: str) -> None:
    deadline = time.monotonic() + READY_LIMIT_S
    while handle.process.poll() is None:
        with contextlib.suppress(Exception):  # not listening yet
            await handle.request("GET", "/status")
            return
        if time.monotonic() > deadline:
            raise PrismaError(_TRIED, f"its engine was not ready within {READY_LIMIT_S:.0f} s", "Try again")
        await asyncio.sleep(_POLL_S)
    raise PrismaError(
        _TRIED, without_password(_reason(complaints), url), "Check DATABASE_URL, and that the server runs"
    )


def _reason(complaints: IO[str]) -> str:
    """The engine's last words: JSON with a message, or whatever else it said."""
    complaints.seek(0)
    lines = [line for line in complaints.read().splitlines() if line.strip()]
    for line in reversed(lines):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return str(json.loads(line)["message"]).strip().rstrip(".")
    return lines[-1].strip() if lines else "the query engine ended without a word"
