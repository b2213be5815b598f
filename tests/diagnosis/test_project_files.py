"""A project's folder as it is found: every form of schema, migration, lock file and connection string, and rubbish."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.diagnosis import diagnose
from helpers.diagnosis.evidence import NO_PROJECT, Evidence, Missing
from helpers.diagnosis.evidence.prisma_schema import PrismaSchema
from helpers.diagnosis.evidence.project import Project
from helpers.diagnosis.probes import probe_project
from helpers.diagnosis.probes.project.prisma_schema import parse_schema, read_schema
from helpers.diagnosis.results import Status
from helpers.diagnosis.rules import judge
from helpers.places import repository_root
from helpers.prisma.datamodel import read_datamodel
from helpers.schemas.prisma_text import SchemaSyntaxError
from helpers.target import Target, TargetKind
from tests.diagnosis import samples
from tests.diagnosis.scenarios.application import FILES, PASSWORD, SCHEMA, write_files
from tests.thorough import so_many

NOWHERE = Target(TargetKind.HOSTED, "https://abc.supabase.co", "sb_publishable_x")


async def look(folder: Path, files: Mapping[str, str] = FILES) -> Evidence:
    """The healthy sample, with what this folder says in place of no project."""
    write_files(folder, files)
    return replace(samples.evidence(), project=await probe_project(NOWHERE, folder, "public"))


async def project_of(folder: Path, files: Mapping[str, str] = FILES) -> Project:
    found = (await look(folder, files)).project
    assert isinstance(found, Project), found
    return found


def findings(evidence: Evidence) -> list[str]:
    return [check.id for check in judge(evidence) if check.is_finding]


async def test_a_healthy_project_gives_no_finding(tmp_path: Path) -> None:
    """Schema, migrations, connection string, lock file and Node of a normal project."""
    assert findings(await look(tmp_path)) == []


async def test_the_workbooks_own_project_gives_no_finding() -> None:
    """Its schema and its migrations are those of a normal project."""
    own = await probe_project(NOWHERE, repository_root() / "data" / "prisma", "public")
    assert isinstance(own, Project)
    assert isinstance(own.schema, PrismaSchema)
    assert findings(replace(samples.evidence(), project=own)) == []


def test_without_a_folder_nothing_is_checked() -> None:
    """Every rule about projects says that no folder was named."""
    none = judge(samples.evidence(project=NO_PROJECT))
    checks = [check for check in none if check.id.startswith(("prisma_", "client_", "migrations_"))]
    assert len(checks) > 15
    assert {check.evidence for check in checks} == {"not checked, because no project folder was named"}


@pytest.mark.parametrize("folder", ["nowhere", "file", "loop"])
async def test_a_folder_that_is_none(tmp_path: Path, folder: str) -> None:
    """It is not checked, with the reason."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    found = await probe_project(NOWHERE, tmp_path / folder, "public")
    assert isinstance(found, Missing)
    assert found.reason


def test_the_parser_agrees_with_the_one_that_the_client_is_made_by() -> None:
    """Tables, columns, types and keys of the workbook's own schema."""
    path = repository_root() / "data" / "prisma" / "schema.prisma"
    ours, theirs = parse_schema(path.read_text()), read_datamodel(path).models
    assert {model.name: model.table for model in ours.models} == {name: model.table for name, model in theirs.items()}
    for model in ours.models:
        other = theirs[model.name]
        columns = {column: (field.name, field.type, field.native) for column, field in other.columns.items()}
        assert {f.column: (f.name, f.type, f.native) for f in model.fields} == columns
        keys = {field.name: field.column for field in other.fields}
        assert model.key == tuple(keys[name] for name in other.key)


def test_names_types_keys_and_places_are_read() -> None:
    """What the database calls it, where it stands, and what Prisma does not know yet is passed over."""
    schema = parse_schema(
        """
generator client {
  provider        = "prisma-client"
  previewFeatures = ["queryCompiler", "driverAdapters"]
}
datasource db {
  provider = "postgresql" // } { not the end
  schemas  = ["app", "auth"]
  relationMode = "prisma"
}
/* model Ghost {
   id Int @id
} */
model Größe {
  id     BigInt    @id @default(autoincrement()) @map(name: "größe_id")
  orgId  String    @map("org id") @db.Uuid
  tags   String[]  @default([])
  price  Decimal?  @db.Decimal(20, 6) @newfangled(policy: "a ) b", [1, { x: 2 }])
  note   String    @default("a // no comment { } \\" still text")
  where  Unsupported("geometry(Point, 4326)")?
  org    Org       @relation(
    fields: [orgId],
    references: [id]
  )

  @@unique([orgId, price(sort: Desc)])
  @@someday.maybe("x")
  @@map("sizes of things")
  @@schema("app")
}
model Org { id String @id
  all Größe[]
}
model Old {
  id Int @id
  @@ignore
}
view Sums {
  id Int @unique
}
enum Mood {
  GOOD @map("good")
  bad

  @@map("mood")
}
"""
    )
    size, org, sums = schema.models
    assert (size.name, size.table, size.schema, size.key) == ("Größe", "sizes of things", "app", ("größe_id",))
    assert size.place == "schema.prisma:14"
    assert [field.column for field in size.fields] == ["größe_id", "org id", "tags", "price", "note", "where"]
    assert {field.name: field.native for field in size.fields}["price"] == "Decimal(20, 6)"
    assert size.linked == ()  # the unique index begins with the column
    assert (org.name, org.table, [field.name for field in org.fields]) == ("Org", "Org", ["id"])
    assert sums.is_view
    assert schema.enums[0].values == (("GOOD", "good"), ("bad", "bad"))
    assert schema.datasource is not None
    assert schema.datasource.schemas == ("app", "auth")
    assert schema.adapter


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("model A {\n  id Int @id\n", "schema.prisma line 1: the block model A is never closed"),
        ("model A {\n  id Int @id\n}\n}\n", "schema.prisma line 4: “}” does not begin a block"),
        ("model A {\n  id Int @default(now(\n}\n", "schema.prisma line 2: “(” is never closed"),
        ('model A {\n\n  x String @default("abc)\n}\n', "schema.prisma line 3: a string is never closed"),
        ("model A {\n  id Int @id)\n}\n", "schema.prisma line 2: “)” closes nothing"),
        ("model A {\n  justaword\n}\n", "schema.prisma line 2: “justaword” is not a field of A"),
        ("hello\n", "schema.prisma line 1: “hello” does not begin a block"),
        ("enum E {\n  two words\n}\n", "schema.prisma line 2: “two” is not a value of E"),
    ],
)
def test_what_does_not_parse_is_named_by_its_line(text: str, where: str) -> None:
    """File and line, and as much of the text as is no secret."""
    with pytest.raises(SchemaSyntaxError) as caught:
        parse_schema(text)
    assert str(caught.value) == where


async def test_a_schema_that_does_not_parse_leaves_the_rest(tmp_path: Path) -> None:
    """Rules about Prisma say which line cannot be read; packages are judged all the same."""
    evidence = await look(tmp_path, {**FILES, "prisma/schema.prisma": "model A {\n  id Int @id\n", ".nvmrc": "18"})
    checks = {check.id: check for check in judge(evidence)}
    reason = "not checked, because prisma/schema.prisma line 1: the block model A is never closed"
    assert checks["prisma_names"].evidence == reason
    assert checks["prisma_pooler"].evidence == reason
    assert checks["node_websocket"].status is Status.FAILURE


@pytest.mark.parametrize(
    "content",
    [b"\x00\x01\x02", b"\xff\xfe\x00m", b"", b"\xef\xbb\xbf", b"{" * 5000, "🦜".encode() * 100],
    ids=["binary", "utf-16", "empty", "bom", "braces", "parrots"],
)
async def test_rubbish_in_every_file_is_survived(tmp_path: Path, content: bytes) -> None:
    """Nothing raises, no finding is made of it."""
    for name in [
        *FILES,
        "yarn.lock",
        "uv.lock",
        "pyproject.toml",
        "requirements.txt",
        "Dockerfile",
        "prisma.config.ts",
    ]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    found = await probe_project(NOWHERE, tmp_path, "public")
    assert isinstance(found, Project)
    assert findings(replace(samples.evidence(), project=found)) == []


async def test_a_file_without_permission_is_named(tmp_path: Path) -> None:
    """A schema that may not be read (here: a folder in its place) is not checked, because of that."""
    write_files(tmp_path, {name: text for name, text in FILES.items() if name != "package.json"})
    (tmp_path / "package.json").mkdir()
    path = tmp_path / "prisma" / "schema.prisma"
    path.chmod(0)
    found = await probe_project(NOWHERE, tmp_path, "public")
    assert isinstance(found, Project)
    if os.geteuid() != 0:
        assert isinstance(found.schema, Missing)
        assert found.schema.reason == "prisma/schema.prisma cannot be read (Permission denied)"
    assert not isinstance(found.packages, Missing)
    assert found.packages.unread == ("package.json is not a file",)


async def test_windows_files_and_folders_of_files(tmp_path: Path) -> None:
    """BOM, CRLF, a schema in several files, and a link that leads back to its own folder."""
    first, second = SCHEMA.split("/// A note")
    parts = {"prisma/schema/base.prisma": first, "prisma/schema/models/note.prisma": "/// A note" + second}
    parts = {name: "\ufeff" + text.replace("\n", "\r\n") for name, text in parts.items()}
    others = {name: text for name, text in FILES.items() if not name.endswith("schema.prisma")}
    (tmp_path / "prisma" / "schema").mkdir(parents=True)
    (tmp_path / "prisma" / "schema" / "again").symlink_to(tmp_path / "prisma")
    found = await project_of(tmp_path, {**others, **parts})
    assert isinstance(found.schema, PrismaSchema)
    assert [model.place for model in found.schema.models] == ["prisma/schema/models/note.prisma:2"]
    assert not isinstance(found.migrations, Missing)
    assert [migration.name for migration in found.migrations] == ["1_notes", "2_realtime"]


@pytest.mark.parametrize("place", ["package.json", "prisma.config.ts"])
async def test_a_schema_elsewhere_is_found_where_it_is_configured(tmp_path: Path, place: str) -> None:
    """In `package.json`, or in Prisma's own configuration with its URLs."""
    config = {
        "package.json": json.dumps({"prisma": {"schema": "db/my.prisma"}}),
        "prisma.config.ts": "import path from 'node:path'\nexport default defineConfig({\n  schema: path.join('db', "
        "'my.prisma'),\n  datasource: { url: env('POOLED'), directUrl: process.env.DIRECT },\n})\n",
    }[place]
    env = f"POOLED=postgres://u:{PASSWORD}@h:6543/p\nDIRECT=postgres://u:{PASSWORD}@h/p"
    found = await project_of(tmp_path, {place: config, "db/my.prisma": SCHEMA, ".env": env})
    assert isinstance(found.schema, PrismaSchema)
    assert found.schema.file == "db/my.prisma"
    assert not isinstance(found.urls, Missing)
    if place == "prisma.config.ts":
        assert [(url.setting, url.port) for url in found.urls] == [("url", 6543), ("directUrl", 5432)]


@settings(max_examples=so_many(100, 1_000), deadline=None)
@given(st.lists(st.sampled_from([*SCHEMA.split(), "\n", "{", "}", '"', "(", ")", "//", "/*", "@", "[", "]"])))
def test_any_order_of_words_parses_or_is_named_by_a_line(words: list[str]) -> None:
    """No other exception leaves the parser."""
    try:
        parse_schema(" ".join(words))
    except SchemaSyntaxError as error:
        assert str(error).startswith("schema.prisma line ")


def test_a_large_schema_is_read() -> None:
    """Two thousand models of twenty fields."""
    model = "model M{0} {{\n  id BigInt @id\n" + '  f String? @map("ff") @db.Uuid // x\n' * 20 + '  @@map("t{0}")\n}}\n'
    assert len(parse_schema("".join(model.format(n) for n in range(2000))).models) == 2000


URLS = [
    "postgresql://prisma.ref:{}@aws-0-x.pooler.supabase.com:6543/postgres",
    "postgresql://{}@host/db",
    "postgresql://user:pa#{}@host:1/db",
    "postgresql://user:pa/{}@host/db?schema={}",
    "postgres//{}",
    "postgresql://user:{}@host:notaport/db",
    "prisma+postgres://accelerate.prisma-data.net/?api_key={}",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize("place", ["variable", "schema"])
async def test_no_secret_leaves_a_connection_string(tmp_path: Path, url: str, place: str) -> None:
    """Well-formed or not, in `.env` or in the schema itself, also when the schema does not parse."""
    secret = "Geheim-0815-$"
    text = url.replace("{}", secret)
    schema = SCHEMA if place == "variable" else SCHEMA.replace('env("DATABASE_URL")', f'"{text}"')
    for broken in (
        schema,
        schema.replace("datasource db {", "datasource db"),
        schema.replace(f"{secret}@", f'{secret}"'),
    ):
        evidence = await look(tmp_path, {**FILES, ".env": f"DATABASE_URL='{text}'", "prisma/schema.prisma": broken})
        shown = repr(evidence) + "".join(map(str, judge(evidence)))
        if url != URLS[1]:
            assert secret not in shown and "Geheim" not in shown


async def test_what_a_connection_string_is(tmp_path: Path) -> None:
    """Its kind, its role and Prisma's parameters; the value of `.env` wins over `.env.local`, as for Prisma."""
    pooler = f"postgresql://prisma.ref:{PASSWORD}@aws-0-x.pooler.supabase.com:6543/postgres"
    files = {
        **FILES,
        ".env": f'DATABASE_URL="{pooler}?pgbouncer=true&connection_limit=3&schema=app"',
        ".env.local": "DATABASE_URL=postgresql://a:b@c/d",
    }
    found = await project_of(tmp_path, files)
    assert not isinstance(found.urls, Missing)
    (url,) = found.urls
    assert (url.variable, url.where, url.role, url.port) == ("DATABASE_URL", ".env", "prisma", 6543)
    assert url.pooled and url.hosted and url.pgbouncer and url.by_transaction
    assert url.connection_limit == 3
    assert found.home == "app"


async def test_a_client_that_speaks_through_a_driver_needs_no_pgbouncer(tmp_path: Path) -> None:
    """Since version 7, and before it with the query compiler, Prisma's parameters mean nothing."""
    env = {".env": f"DATABASE_URL=postgresql://p:{PASSWORD}@x.pooler.supabase.com:6543/postgres"}
    lock = {"package-lock.json": FILES["package-lock.json"].replace("6.2.1", "7.0.1")}
    checks = {check.id: check for check in judge(await look(tmp_path, {**FILES, **env, **lock}))}
    assert checks["prisma_pooler"].status is Status.SKIPPED
    assert "driver" in checks["prisma_pooler"].evidence


async def test_a_project_beside_a_lab_is_part_of_the_diagnosis(patient: Target, tmp_path: Path) -> None:
    """`diagnose(project=…)` reads the folder, compares it with the database, and tells no secret of it."""
    write_files(tmp_path, {**FILES, ".nvmrc": "18"})
    diagnosis = await diagnose(patient, repeats=1, project=tmp_path)
    assert diagnosis.check("node_websocket").status is Status.FAILURE
    assert diagnosis.check("prisma_tables_exist").status is not Status.SKIPPED
    assert PASSWORD not in str(diagnosis)


async def test_the_workbooks_own_project_fits_its_lab(patient: Target) -> None:
    """Schema, migrations and database of the lab agree: no finding."""
    diagnosis = await diagnose(patient, repeats=1, project=repository_root() / "data" / "prisma")
    assert [check.id for check in diagnosis.findings] == []
    assert diagnosis.check("migrations_publish").status is Status.OK
    assert "Message.roomId → room_id" in diagnosis.check("prisma_names").fix


def test_the_package_with_the_schema_is_named(tmp_path: Path) -> None:
    """Whoever names the root of a repository with several packages is told which folder to name."""
    (tmp_path / "packages" / "db" / "prisma").mkdir(parents=True)
    (tmp_path / "packages" / "db" / "prisma" / "schema.prisma").write_text("")
    found = read_schema(tmp_path, "")
    assert isinstance(found, Missing)
    assert found.reason.endswith("name the folder packages/db, which has one")
