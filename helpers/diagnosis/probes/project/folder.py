"""All that a project's folder says, and what the database says about it."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from pathlib import Path

from helpers.diagnosis.evidence import Missing
from helpers.diagnosis.evidence.packages import Packages
from helpers.diagnosis.evidence.prisma_schema import PrismaSchema
from helpers.diagnosis.evidence.project import DatabaseUrl, Migration, Project, ProjectDatabase
from helpers.diagnosis.probes.project.catalogs import probe_catalogs
from helpers.diagnosis.probes.project.migrations import read_migrations
from helpers.diagnosis.probes.project.packages import read_packages
from helpers.diagnosis.probes.project.prisma_schema import ReadSchema, read_schema
from helpers.diagnosis.probes.project.urls import config_of, read_environment, read_urls
from helpers.target import Target

__all__ = ["probe_project"]

#: Reading a folder of many and large files.
LIMIT_S = 10.0
_EXTERNAL = re.compile(r"\bexternal\s*:\s*\[([^\]]*)\]")
_STRINGS = re.compile(r"[\"'`]([^\"'`]+)[\"'`]")
_MIGRATIONS = re.compile(r"\bmigrations\s*:\s*\{[^}]*?\bpath\s*:\s*[\"'`]([^\"'`]+)[\"'`]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Files:
    name: str
    schema: PrismaSchema | Missing
    migrations: tuple[Migration, ...] | Missing
    urls: tuple[DatabaseUrl, ...] | Missing
    packages: Packages | Missing
    external: frozenset[str]


async def probe_project(target: Target, folder: Path | None, home: str) -> Project | Missing:
    """Look at a project's folder.

    Args:
        target: whose database is asked about the models.
        folder: the project; None when nobody named one.
        home: the schema of models that name none, when the connection string names none either.
    """
    if folder is None:
        return Missing("no project folder was named")
    started = time.monotonic()
    files = await _files(folder)
    if isinstance(files, Missing):
        return files
    urls = () if isinstance(files.urls, Missing) else files.urls
    home = next((url.schema for url in urls if url.schema), home)
    database = await _catalogs(target, files, urls, home)
    return Project(
        folder=files.name,
        home=home,
        schema=files.schema,
        migrations=files.migrations,
        urls=files.urls,
        packages=files.packages,
        database=database,
        external=files.external,
        took_ms=(time.monotonic() - started) * 1000,
    )


async def _files(folder: Path) -> _Files | Missing:
    try:
        async with asyncio.timeout(LIMIT_S):
            return await asyncio.to_thread(_read, folder)
    except TimeoutError:
        return Missing(f"the project's files were not read within {LIMIT_S:g} s", tried=True)
    except (OSError, RuntimeError) as error:
        return Missing(f"the project's folder cannot be read ({type(error).__name__})", tried=True)


def _read(folder: Path) -> _Files | Missing:
    root = folder.expanduser().resolve()
    if not root.is_dir():
        return Missing(f"{root.name} is not a folder", tried=True)
    next(root.iterdir(), None)
    config = config_of(root)
    schema = read_schema(root, config)
    packages = read_packages(root)
    external = frozenset(name for found in _EXTERNAL.findall(config) for name in _STRINGS.findall(found))
    if isinstance(schema, Missing):
        return _Files(root.name, schema, schema, schema, packages, external)
    urls = read_urls(schema.settings, config, read_environment(root), schema.schema.file)
    migrations = read_migrations(_migrations_folder(root, schema, config), root)
    return _Files(root.name, schema.schema, migrations, urls, packages, external)


def _migrations_folder(root: Path, schema: ReadSchema, config: str) -> Path:
    """As configured, else beside the schema; beside the folder of a schema in several files."""
    configured = _MIGRATIONS.search(config)
    if configured and ".." not in Path(configured[1]).parts:
        return root / configured[1].lstrip("/")
    beside = schema.folder / "migrations"
    return beside if beside.is_dir() else schema.folder.parent / "migrations"


async def _catalogs(
    target: Target, files: _Files, urls: tuple[DatabaseUrl, ...], home: str
) -> ProjectDatabase | Missing:
    if isinstance(files.schema, Missing):
        return files.schema
    source = files.schema.datasource
    if source is not None and source.provider not in ("", "postgres", "postgresql"):
        return Missing(f"the schema is for {source.provider}")
    tables = [model.table_in(home) for model in files.schema.models if not model.is_view]
    roles = sorted({url.role for url in urls if url.role})
    return await probe_catalogs(target, list(dict.fromkeys(tables)), home, roles)
