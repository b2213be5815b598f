"""The facts of one file, and of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from helpers.review.database.facts import DatabaseFacts
from helpers.review.inventory.channels import Channel, Client
from helpers.review.inventory.uses import AuthUse, Poll, PrismaCall, Rendering, TableCall
from helpers.review.source import Place

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FileFacts", "Ignore", "Import", "Inventory", "Unread"]


@dataclass(frozen=True, slots=True)
class Import:
    """``import { imported as name } from 'module'``. `file` is the reviewed file that `module` means, if it is one."""

    name: str
    imported: str
    module: str
    place: Place
    file: str = ""


@dataclass(frozen=True, slots=True)
class Ignore:
    """A comment ``workbook-ignore rule-id, …``; without ids it is about all rules."""

    line: int
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What one file does.

    Attributes:
        language: ``typescript``, ``tsx``, ``javascript``, ``vue``, ``svelte``, ``python``, ``dart``, …
        server: whether it runs on a server only; False for the browser (``'use client'``); None if it does not show.
        errors: where the parser stumbled; what stands elsewhere in the file is here all the same.
    """

    path: str
    language: str
    channels: tuple[Channel, ...] = ()
    clients: tuple[Client, ...] = ()
    polls: tuple[Poll, ...] = ()
    auth: tuple[AuthUse, ...] = ()
    prisma_calls: tuple[PrismaCall, ...] = ()
    table_calls: tuple[TableCall, ...] = ()
    rendered: tuple[Rendering, ...] = ()
    imports: tuple[Import, ...] = ()
    ignores: tuple[Ignore, ...] = ()
    server: bool | None = None
    errors: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Unread:
    """A file or folder that was not read, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a code base does with Realtime.

    Attributes:
        root: the reviewed folder, as given.
        files: those with facts, by path.
        database: what schema.prisma and the SQL of migrations say.
        unread: what was not read, or only in part.
        looked_at: how many files were there to be read.
    """

    root: str
    files: tuple[FileFacts, ...] = ()
    database: DatabaseFacts = field(default_factory=DatabaseFacts)
    unread: tuple[Unread, ...] = ()
    looked_at: int = 0

    @property
    def channels(self) -> tuple[Channel, ...]:
        return tuple(channel for file in self.files for channel in file.channels)

    def to_frame(self) -> pd.DataFrame:
        """One row per binding, and one for each channel without any."""
        from helpers.review.frames import bindings_frame

        return bindings_frame(self.channels)
