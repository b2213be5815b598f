"""Gathers the evidence about one target and has it judged."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from helpers.diagnosis.evidence import Database, Evidence, Heard, Missing, Place, TableName
from helpers.diagnosis.evidence.watch import Second
from helpers.diagnosis.merge import layers, merged_connection, merged_live
from helpers.diagnosis.probes import (
    RowWriter,
    Run,
    open_writer,
    probe_addresses,
    probe_database,
    probe_database_home,
    probe_key,
    probe_project,
    probe_run,
    probe_services,
    probe_subscriptions,
    probe_token,
    read_wish,
    watch,
    writable_table,
)
from helpers.diagnosis.redact import address_of, redacted
from helpers.diagnosis.results import Diagnosis
from helpers.diagnosis.rules import judge
from helpers.redaction import secrets_of
from helpers.results import utc_now
from helpers.target import Target, TargetKind

__all__ = ["diagnose", "gather"]

Progress = Callable[[str], None]

#: Where a user's table is looked for when no schema is named.
DEFAULT_SCHEMA = "public"


async def diagnose(
    target: Target,
    tables: Sequence[str] | None = None,
    repeats: int = 3,
    progress: Progress | None = None,
    project: Path | None = None,
    join: Mapping[str, Any] | None = None,
    heard: Sequence[str] = (),
    watch_s: float | None = None,
) -> Diagnosis:
    """Look at every layer between this machine and the first delivered change, and judge it.

    Nothing is written, but for one marked row for each repeat in the workbook's own table, and only where the target
    allows writing; these rows are deleted again.

    Args:
        target: which Supabase.
        tables: names such as ``messages`` or ``chat.messages``; all published ones when None (needs a database URL).
        repeats: how often the way is taken, each time on a new connection.
        progress: called with one line at the begin of each part.
        project: folder of an application, whose Prisma schema, migrations and packages are read too.
        join: the configuration with which a client joins (`config`), to be read as the server reads it.
        heard: sentences of the server that a client has logged, to be explained.
        watch_s: seconds to stay connected and watch at the end, see `watch`. Ctrl-C then ends the watch alone.

    Returns:
        The diagnosis, also of a target that cannot be reached: nothing that the world does raises.
    """
    started, taken_at = time.monotonic(), utc_now()
    report, names = progress or _silent, _parsed(target, tables)
    evidence, runs = await _gather(target, names, max(1, repeats), report, project)
    evidence = _with(evidence, join, heard)
    if watch_s:
        evidence = await _watched(target, names, watch_s, report, evidence)
    secrets = secrets_of(target)
    return Diagnosis(
        target=address_of(target),
        taken_at=taken_at,
        layers=tuple(redacted(layer, secrets) for layer in layers(runs)),
        checks=tuple(redacted(check, secrets) for check in judge(evidence)),
        repeats=len(runs),
        seconds=time.monotonic() - started,
        postgres="" if isinstance(evidence.database, Missing) else evidence.database.version,
    )


async def gather(
    target: Target,
    tables: Sequence[str] | None = None,
    repeats: int = 3,
    progress: Progress | None = None,
    project: Path | None = None,
    join: Mapping[str, Any] | None = None,
    heard: Sequence[str] = (),
) -> Evidence:
    """What `diagnose` judges, unjudged; the arguments are the same."""
    evidence, _ = await _gather(target, _parsed(target, tables), max(1, repeats), progress or _silent, project)
    return _with(evidence, join, heard)


def _with(evidence: Evidence, join: Mapping[str, Any] | None, heard: Sequence[str]) -> Evidence:
    """The evidence with what the user has brought."""
    said = tuple(Heard(Place.LOG, sentence) for sentence in heard)
    return replace(evidence, heard=said, wish=evidence.wish if join is None else read_wish(join))


async def _watched(
    target: Target, names: Sequence[TableName] | None, seconds: float, report: Progress, seen: Evidence
) -> Evidence:
    """With what a watch sees; it is not tried where no connection could be opened."""
    if isinstance(seen.connection, Missing) or not seen.connection.open:
        return replace(seen, watched=Missing("the connection was not opened"))
    report(f"Watching for {seconds:g} s")

    def told(second: Second) -> None:
        report(f"Watching, {second.at_s:.0f} s: {second.changes} changes, {second.errors} errors")

    return replace(seen, watched=await watch(target, seconds, names, database=seen.database, progress=told))


def _parsed(target: Target, tables: Sequence[str] | None) -> list[TableName] | None:
    return None if tables is None else [TableName.parse(name, _home(target)) for name in tables]


async def _gather(
    target: Target, names: Sequence[TableName] | None, repeats: int, report: Progress, folder: Path | None
) -> tuple[Evidence, list[Run]]:
    report("Reading the key and the database's catalogs")
    key, database = probe_key(target), await probe_database(target, names)
    runs = await _runs(target, database, _binding(target, names, database), repeats, report)
    connection = merged_connection(runs)
    unreached = Missing("nothing answered in HTTP")
    unopened = Missing("the connection was not opened")
    services, clock = (unreached, unreached) if not connection.reached else await probe_services(target)
    report("Asking the server about each table")
    subscriptions = await probe_subscriptions(target, _asked(names, database)) if connection.open else unopened
    live = merged_live(runs) if connection.open else unopened
    report("Trying all addresses and the user's token")
    addresses = await probe_addresses(target)
    token = await probe_token(target, clock, reachable=connection.open)
    project = await probe_project(target, folder, _home(target))
    pieces: dict[str, Any] = {
        "database_home": probe_database_home(target),
        "project": project,
        "addresses": addresses,
        "token": token,
    }
    return Evidence(connection, live, key, clock, services, database, subscriptions, **pieces), runs


async def _runs(
    target: Target, database: Database | Missing, binding: TableName | None, repeats: int, report: Progress
) -> list[Run]:
    """All runs, but none after one that tells that the next would only wait as long."""
    writer = await open_writer(target, database)
    runs: list[Run] = []
    try:
        for number, phase in enumerate(_phases(repeats), start=1):
            report(f"Going from DNS to the first change, {number} of {repeats}")
            runs.append(await probe_run(target, binding, writer, phase))
            if not runs[-1].repeatable:
                break
    finally:
        if isinstance(writer, RowWriter):
            await writer.close()
    return runs


def _phases(repeats: int) -> list[float]:
    """One moment in each of as many equal parts of the time between two polls, in random order."""
    return [(part + random.random()) / repeats for part in random.sample(range(repeats), repeats)]


def _home(target: Target) -> str:
    """Where a name without a schema is: the workbook's schema in the lab, else `public`."""
    return target.schema if target.kind is TargetKind.LAB else DEFAULT_SCHEMA


def _asked(names: Sequence[TableName] | None, database: Database | Missing) -> Sequence[TableName]:
    return _published(database) if names is None else names


def _published(database: Database | Missing) -> list[TableName]:
    if isinstance(database, Missing):
        return []
    return [table.name for table in database.tables if table.published]


def _binding(target: Target, names: Sequence[TableName] | None, database: Database | Missing) -> TableName | None:
    """The table to whose changes the way leads: the workbook's own, else a published one; None for any in `public`."""
    own = writable_table(target, database)
    if isinstance(own, TableName):
        return own
    published = _published(database)
    asked = [name for name in names or () if name in published or isinstance(database, Missing)]
    return next(iter([*asked, *published]), None)


def _silent(line: str) -> None:
    """Report to nobody."""
