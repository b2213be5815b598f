"""Scenarios of types that change on their way, and of rows that are too large for it."""

from __future__ import annotations

from helpers.diagnosis.results import Check, Status
from tests.diagnosis.scenarios.breaking import Breaks, sql
from tests.diagnosis.scenarios.scenario import Scenario, look_at_catalogs
from tests.diagnosis.scenarios.ward import TABLE, Ward

__all__ = ["SCENARIOS"]

CHAT = TABLE.quoted
ENUM = "create type clinic.{0} as enum ('A', 'B');"
#: Texts that do not compress, as long as that.
LARGE = "(select string_agg(md5(random()::text), '') from generate_series(1, {} / 32))"


def column(definition: str, before: str = "") -> Breaks:
    return sql(f"{before} alter table {CHAT} add {definition}")


async def keep_the_body_elsewhere(ward: Ward, check: Check) -> None:
    """A wide column moved elsewhere, as the fix says in words."""
    assert "select" in check.fix
    await ward.sql(f"alter table {CHAT} drop column body")


async def numbers_as_text(ward: Ward, check: Check) -> None:
    """The printed column of text, and the number gone from the published table."""
    await ward.sql(check.fix)
    await ward.sql(f"alter table {CHAT} drop column price cascade")


SCENARIOS = (
    Scenario(
        "enum_names",
        "an enum type with capitals",
        sql(f'create type clinic."RoomKind" as enum (\'A\'); alter table {CHAT} add kind clinic."RoomKind"'),
        status=Status.WARNING,
    ),
    Scenario(
        "exact_numbers",
        "an amount",
        column("price numeric"),
        look_at_catalogs,
        numbers_as_text,
        Status.NOTE,
    ),
    Scenario(
        "keys_found_again",
        "a key of bytes",
        sql(f"alter table {CHAT} alter id drop default, alter id type bytea using uuid_send(id)"),
        look_at_catalogs,
    ),
    Scenario(
        "columns_filterable",
        "json and an array",
        column("doc json, add tags text[]"),
        look_at_catalogs,
        status=Status.NOTE,
    ),
    Scenario("times_with_zone", "Prisma's DateTime", column("at timestamp(3) default now()"), status=Status.NOTE),
    Scenario("bytes_as_text", "bytes", column("blob bytea"), look_at_catalogs, status=Status.NOTE),
    Scenario(
        "enum_lists", "a list of enum values", column("kinds clinic.kind[]", ENUM.format("kind")), status=Status.NOTE
    ),
    Scenario("column_names", "a field without @map", column('"userName" text'), status=Status.NOTE),
    Scenario(
        "row_size",
        "rows of 1.5 KB",
        sql(f"insert into {CHAT} (body) values ({LARGE.format(1500)}); analyze {CHAT}"),
        look_at_catalogs,
        keep_the_body_elsewhere,
        Status.WARNING,
    ),
    Scenario(
        "large_rows",
        "rows beyond a mebibyte",
        sql(f"insert into {CHAT} (body) values ({LARGE.format(1_500_000)}); analyze {CHAT}"),
        look_at_catalogs,
        status=Status.WARNING,
    ),
    Scenario(
        "unchanged_values",
        "large values and the default identity",
        sql(
            f"insert into {CHAT} (body) values ({LARGE.format(20_000)}); analyze {CHAT};"
            f"alter table {CHAT} replica identity default"
        ),
        look_at_catalogs,
        status=Status.NOTE,
    ),
)
