"""The Prisma client of `data/prisma/schema.prisma`: generated once on each machine, never committed.

Prisma's own command line does it, from the pinned npm parts on the pinned Node, with `prisma-client-py` as the
generator. It would like to download engines; it is shown a stand-in that tells the right version, which is all that
generating needs.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from helpers.errors import PrismaError
from helpers.locks import exclusive
from helpers.node import node_environment, node_executable, npm_parts
from helpers.places import cache_dir, repository_root
from helpers.prisma.engines import ENGINE_COMMIT

__all__ = ["SCHEMA", "client_folder", "client_module"]

SCHEMA = repository_root() / "data" / "prisma" / "schema.prisma"

_TRIED = "generating the Prisma client"
GENERATE_LIMIT_S = 120.0
_GENERATOR = re.compile(r'provider\s*=\s*"prisma-client-py"')
_import_lock = threading.Lock()


def client_module(schema: Path = SCHEMA) -> ModuleType:
    """The generated package, imported from the cache; its `Prisma` is the client. Blocks while it is generated.

    Raises:
        PrismaError: the schema is not valid, or the cache cannot be written.
        NodeError: Node or the pinned npm parts are not to be had.
    """
    folder = client_folder(schema)
    name = f"prisma_client_{folder.name}"
    with _import_lock:
        return sys.modules.get(name) or _import(name, folder)


def client_folder(schema: Path = SCHEMA, report: Callable[[str], None] | None = None) -> Path:
    """The folder of the generated package, made when it is missing. Two processes at once make it once.

    Args:
        report: is told, in one line, that generating begins; the default writes it to stderr.
    """
    text = schema.read_text(encoding="utf-8")
    home = cache_dir() / "prisma"
    folder = home / _hash(text)
    if folder.is_dir():
        return folder
    try:
        home.mkdir(parents=True, exist_ok=True)
        with exclusive(home / f"{folder.name}.lock", GENERATE_LIMIT_S):
            if not folder.is_dir():
                parts = npm_parts()
                (report or _to_stderr)("Generating the Prisma client (once) …")
                _generate(text, parts, folder)
    except TimeoutError as error:
        raise PrismaError(_TRIED, str(error), "End that process, then try again") from None
    except OSError as error:
        raise PrismaError(_TRIED, f"{home}: {error.strerror}", "Free space there, or set WORKBOOK_CACHE_DIR") from error
    return folder


def _hash(schema: str) -> str:
    """Of everything that the generated files follow from."""
    generator = importlib.metadata.version("prisma")
    return hashlib.sha256("\0".join((schema, generator, ENGINE_COMMIT)).encode()).hexdigest()[:16]


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _generate(schema: str, parts: Path, folder: Path) -> None:
    """Generate beside the final folder and rename, so that a folder of that name is always complete."""
    staging = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        (staging / "bin").mkdir()
        _script(staging / "bin" / "prisma-client-py", 'exec "$WORKBOOK_PYTHON" -m prisma "$@"')
        engine = _script(staging / "bin" / "query-engine", f"echo query-engine {ENGINE_COMMIT}")
        file = staging / "schema.prisma"
        file.write_text(_GENERATOR.sub(r'\g<0>\n  output = "./client"', schema), encoding="utf-8")
        _run_prisma(parts, file, engine)
        (staging / "client").rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _script(path: Path, line: str) -> Path:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)
    return path


def _run_prisma(parts: Path, schema: Path, engine: Path) -> None:
    command = [str(node_executable()), str(parts / "node_modules" / "prisma" / "build" / "index.js")]
    command += ["generate", "--schema", str(schema), "--no-hints"]
    try:
        done = subprocess.run(
            command, env=_environment(engine), cwd=schema.parent, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=GENERATE_LIMIT_S, start_new_session=True, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        advice = "Try again when the machine is less busy"
        raise PrismaError(_TRIED, f"it did not end within {GENERATE_LIMIT_S:.0f} s", advice) from error
    if done.returncode != 0:
        told = (done.stderr.strip() or done.stdout.strip() or "it failed without a word").rstrip(".")
        raise PrismaError(_TRIED, told, "Mend data/prisma/schema.prisma at the place named")


def _environment(engine: Path) -> dict[str, str]:
    """The generator is that of this interpreter, found by its name; both engines are the stand-in."""
    return node_environment() | {
        "PATH": os.pathsep.join((str(engine.parent), os.environ.get("PATH", os.defpath))),
        "WORKBOOK_PYTHON": sys.executable,
        "PRISMA_QUERY_ENGINE_BINARY": str(engine),
        "PRISMA_SCHEMA_ENGINE_BINARY": str(engine),
        "PRISMA_CLI_QUERY_ENGINE_TYPE": "binary",
        "PRISMA_HIDE_UPDATE_MESSAGE": "true",
        "NO_COLOR": "1",
    }


def _import(name: str, folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise PrismaError("importing the Prisma client", f"{folder} is not complete", f"Delete {folder}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    _keep_line_separators(module)
    return module


def _keep_line_separators(module: ModuleType) -> None:
    """The query builder indents with `textwrap.indent`, which takes U+0085, U+2028 and U+2029 for ends of lines and so
    writes spaces into strings that hold them. In JSON text only a line feed ends a line."""
    builder = importlib.import_module(f"{module.__name__}._builder")

    def indent(text: str, prefix: str) -> str:
        return "\n".join(prefix + line if line.strip() else line for line in text.split("\n"))

    assert vars(builder)["indent"] is textwrap.indent, "the query builder indents in another way now"
    vars(builder)["indent"] = indent
