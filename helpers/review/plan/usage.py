"""How much an application is used: what its tables take in, and how many people have which screen open.

The user states it, in TOML or by keyword, or `read_usage` takes it from the database's own statistics:

    plan = "pro"
    memberships = 8

    [tables.messages]
    rows = 200_000
    inserts_per_s = 3.0
    column_bytes = { body = 2_000 }
    match_share = 0.02

    [screens.ChatRoom]
    users = 400
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec

from helpers.errors import SettingsError
from helpers.plans import Plan

__all__ = ["ScreenUsage", "TableUsage", "Usage"]

_Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
_Rate = Annotated[float, msgspec.Meta(ge=0, le=100_000)]


class TableUsage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to one table.

    Attributes:
        rows: that it holds.
        inserts_per_s, updates_per_s, deletes_per_s: changes of rows.
        row_bytes: text in a row, shared by those columns whose size is not stated.
        column_bytes: size of single columns, by name.
        match_share: of all changes, the share that a screen's filter lets through: with 50 rooms that are equally
            busy, 0.02 for whoever looks at one.
    """

    rows: Annotated[int, msgspec.Meta(ge=0)] = 1_000
    inserts_per_s: _Rate = 1.0
    updates_per_s: _Rate = 0.3
    deletes_per_s: _Rate = 0.1
    row_bytes: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 400
    column_bytes: dict[str, Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]] = {}
    match_share: _Share = 0.1

    @property
    def changes_per_s(self) -> float:
        """Of all kinds."""
        return self.inserts_per_s + self.updates_per_s + self.deletes_per_s


class ScreenUsage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a screen is used.

    Attributes:
        users: that have it open at the same time, each on a connection of its own.
        visits: how often one of them opens and leaves it while the page stays loaded: what is not cleaned up is there
            so many times.
    """

    users: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 50
    visits: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5


class Usage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much an application is used; what is not stated has the defaults of its kind.

    Attributes:
        tables: by their name in the database.
        screens: by the name of the component or hook that subscribes.
        default_table, default_screen: for all others.
        memberships: groups (rooms, teams) that a user belongs to, where policies look that up.
        plan: whose quota holds.
        source: where these numbers are from.
    """

    tables: dict[str, TableUsage] = {}
    screens: dict[str, ScreenUsage] = {}
    default_table: TableUsage = TableUsage()
    default_screen: ScreenUsage = ScreenUsage()
    memberships: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 5
    plan: Plan = Plan.FREE
    source: str = "assumed: nobody stated it"

    def table(self, name: str) -> TableUsage:
        """Of one table."""
        return self.tables.get(name, self.default_table)

    def screen(self, name: str) -> ScreenUsage:
        """Of one screen."""
        return self.screens.get(name, self.default_screen)

    @classmethod
    def from_toml(cls, path: Path | str) -> Usage:
        """Read a file.

        Raises:
            SettingsError: it cannot be read, or says what there is not.
        """
        tried = f"reading the usage in {path}"
        try:
            said = tomllib.loads(Path(path).read_text("utf-8"))
            return msgspec.convert({"source": f"stated in {Path(path).name}", **said}, cls)
        except OSError as error:
            raise SettingsError(tried, error.strerror or type(error).__name__, "Name a file that exists") from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            known = (
                "plan, memberships, [tables.NAME] with rows, inserts_per_s, …, and [screens.NAME] with users, visits"
            )
            raise SettingsError(tried, str(error), f"It may hold {known}") from None
