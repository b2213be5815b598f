"""A TypeScript project around the generated sources: as strict as TypeScript is, run on Node against the lab."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import helpers.node
from helpers.lab import Lab
from helpers.node import installed, node_environment, node_executable
from helpers.prisma.datamodel import parse_datamodel
from helpers.sync.typescript import Imports, generate, write_sources

HERE = Path(__file__).parent
MANIFEST = Path(helpers.node.__file__).parent / "npm" / "typescript"
LIMIT_S = 120.0

#: Every switch that an application might have on.
STRICT = {
    "strict": True,
    "target": "es2024",
    "lib": ["es2024", "dom", "dom.iterable"],
    "module": "nodenext",
    "types": ["node"],
    "verbatimModuleSyntax": True,
    "isolatedModules": True,
    "exactOptionalPropertyTypes": True,
    "noUncheckedIndexedAccess": True,
    "noImplicitOverride": True,
    "noImplicitReturns": True,
    "noFallthroughCasesInSwitch": True,
    "noUnusedLocals": True,
    "noUnusedParameters": True,
    "skipLibCheck": True,  # one of the vendor's own declarations does not pass `exactOptionalPropertyTypes`
    "rootDir": "src",
    "outDir": "build",
}
_GENERATOR = re.compile(r"generator client \{.*?\n\}", re.DOTALL)
_CLIENT = """generator client {
  provider            = "prisma-client"
  output              = "../src/generated"
  importFileExtension = "js"
}"""


class Project:
    """A folder with sources, compiled.

    Args:
        schema: text of the Prisma schema. checks: names of the programs in `checks` to be compiled with it.
        patterns: whether they need the generated sources.
    """

    def __init__(self, folder: Path, schema: str, checks: tuple[str, ...], *, patterns: bool = True) -> None:
        self.folder = folder
        parts = installed(MANIFEST, "Installing TypeScript, Prisma and React for the tests (once, about 100 MB) …")
        self.modules = parts / "node_modules"
        (folder / "node_modules").symlink_to(self.modules)
        self._write_settings(schema)
        sources = generate(
            parse_datamodel(schema), imports=Imports("../generated/client.js", "../generated/browser.js")
        )
        if patterns:
            write_sources(sources, folder / "src" / "sync")
        (folder / "src").mkdir(exist_ok=True)
        for check in (*checks, "harness"):
            shutil.copyfile(HERE / "checks" / f"{check}.ts", folder / "src" / f"{check}.ts")
        self._run("prisma/build/index.js", "generate", "--schema", "prisma/schema.prisma", "--no-hints")

    def compile(self) -> str:
        """What the compiler complains of."""
        return self._run("typescript/bin/tsc", "--project", ".", check=False)

    def _write_settings(self, schema: str) -> None:
        (self.folder / "prisma").mkdir()
        text = _GENERATOR.sub(lambda _: _CLIENT, schema).replace('env("DATABASE_URL")', '""')
        text = re.sub(r"^\s*url\s*=.*\n", "", text, flags=re.MULTILINE)
        (self.folder / "prisma" / "schema.prisma").write_text(text)
        (self.folder / "package.json").write_text('{"type": "module"}')
        (self.folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": STRICT, "include": ["src"]}))
        engine = self.folder / "engine"  # generating needs none, but would like to download one
        engine.write_text("#!/bin/sh\n")
        engine.chmod(0o755)

    def _run(self, script: str, *arguments: str, check: bool = True) -> str:
        environment = node_environment() | {"PRISMA_SCHEMA_ENGINE_BINARY": str(self.folder / "engine")}
        done = subprocess.run(
            [node_executable(), self.modules / script, *arguments], cwd=self.folder, env=environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


class Program:
    """A compiled check at work: lines of JSON in, lines of JSON out."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def hear(self, wanted: str) -> Any:
        """The value of the next line that has this name; lines with other names are passed over."""
        assert self.process.stdout is not None
        async with asyncio.timeout(LIMIT_S):
            async for line in self.process.stdout:
                said = json.loads(line)
                if wanted in said:
                    return said[wanted]
        assert self.process.stderr is not None
        raise AssertionError(f"it ended without {wanted}: {(await self.process.stderr.read()).decode()[-3000:]}")

    def say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n".encode())


@contextlib.asynccontextmanager
async def running(project: Project, check: str, lab: Lab, api_url: str = "", **more: Any) -> AsyncIterator[Program]:
    """Run one check against the lab; it is ended afterwards, however that comes about."""
    given = {
        "url": api_url or lab.info["api_url"],
        "key": lab.info["publishable_key"],
        "secret": lab.info["secret_key"],
        "database": lab.info["database_url"],
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        str(node_executable()), str(project.folder / "build" / f"{check}.js"), json.dumps(given),
        env=node_environment(), limit=2**24,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Program(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
