"""The sample application made ready to be checked: a copy with its packages and its generated Prisma client."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import helpers.node
from helpers.node import installed, node_environment, node_executable

__all__ = ["SAMPLE_APP", "prepare", "type_errors"]

SAMPLE_APP = Path(__file__).parents[2] / "data" / "sample-app"
#: Where Prisma's own command is: an application calls it with `npx`.
_PRISMA = Path(helpers.node.__file__).parent / "npm" / "typescript"
_LIMIT_S = 120.0


def prepare(application: Path, folder: Path) -> Path:
    """Copy an application into `folder`, with node_modules beside it and the Prisma client generated in it."""
    shutil.copytree(application, folder, ignore=shutil.ignore_patterns("node_modules", ".next", "generated"))
    parts = installed(SAMPLE_APP, "Installing Next.js and React for the tests (once, about 60 MB) …", optional=False)
    (folder / "node_modules").symlink_to(parts / "node_modules")
    engine = folder / "engine"  # generating needs none, but would like to download one
    engine.write_text("#!/bin/sh\n")
    engine.chmod(0o755)
    tools = installed(_PRISMA, "Installing TypeScript, Prisma and React for the tests (once, about 100 MB) …")
    made = _node(folder, tools / "node_modules/prisma/build/index.js", "generate", "--no-hints")
    assert made.returncode == 0, made.stdout + made.stderr
    return folder


def type_errors(folder: Path) -> str:
    """What the compiler complains of in a prepared application; empty if nothing."""
    done = _node(folder, folder / "node_modules/typescript/bin/tsc", "--noEmit", "--pretty", "false")
    return done.stdout + done.stderr


def _node(folder: Path, script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = node_environment() | {"PRISMA_SCHEMA_ENGINE_BINARY": str(folder / "engine")}
    return subprocess.run(
        [node_executable(), script, *arguments], cwd=folder, env=environment,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LIMIT_S, check=False,
    )  # fmt: skip
