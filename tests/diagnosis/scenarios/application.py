"""A healthy application with Prisma and supabase-js, as files in the ward's folder and tables in its schema."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from helpers.prisma import deploy_migrations
from tests.diagnosis.scenarios.ward import Ward

__all__ = ["FILES", "NOTES", "Application", "healthy_application", "write_files"]

NOTES = 'clinic."notes"'
PASSWORD = "not-to-be-shown"
SCHEMA = """\
generator client {
  provider = "prisma-client-js"
}

datasource db {
  provider = "postgresql"
  url      = env("DATABASE_URL")
}

enum kind {
  plain
  loud
}

/// A note { with a brace in its comment
model notes {
  id      String @id @default(dbgenerated("gen_random_uuid()")) @db.Uuid
  user_id String @db.Uuid // whose it is }
  body    String
  kind    kind   @default(plain)

  @@index([user_id])
}
"""
TABLES = """\
-- CreateEnum
CREATE TYPE "kind" AS ENUM ('plain', 'loud');

-- CreateTable
CREATE TABLE "notes" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "user_id" UUID NOT NULL,
    "body" TEXT NOT NULL,
    "kind" "kind" NOT NULL DEFAULT 'plain',
    CONSTRAINT "notes_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "notes_user_id_idx" ON "notes"("user_id");
"""
REALTIME = """\
GRANT SELECT ON "notes" TO authenticated;
ALTER TABLE "notes" ENABLE ROW LEVEL SECURITY;
CREATE POLICY "own" ON "notes" FOR SELECT TO authenticated USING ("user_id" = (SELECT auth.uid()));
ALTER TABLE "notes" REPLICA IDENTITY FULL;
ALTER PUBLICATION supabase_realtime ADD TABLE "notes";
"""
#: A clean installation of the newest versions, as a package manager writes it down.
MANIFEST = {
    "name": "application",
    "engines": {"node": ">=22"},
    "dependencies": {"@supabase/supabase-js": "^2.119.1", "@prisma/client": "6.2.1"},
    "devDependencies": {"prisma": "6.2.1"},
}
LOCK = {
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "application"},
        "node_modules/@supabase/supabase-js": {"version": "2.119.1"},
        "node_modules/@supabase/realtime-js": {"version": "2.119.1"},
        "node_modules/prisma": {"version": "6.2.1"},
        "node_modules/@prisma/client": {"version": "6.2.1"},
    },
}
FILES = {
    "prisma/schema.prisma": SCHEMA,
    "prisma/migrations/1_notes/migration.sql": TABLES,
    "prisma/migrations/2_realtime/migration.sql": REALTIME,
    "prisma/migrations/migration_lock.toml": 'provider = "postgresql"\n',
    ".env": f"DATABASE_URL=postgresql://postgres:{PASSWORD}@127.0.0.1:54322/postgres?schema=clinic\n",
    "package.json": json.dumps(MANIFEST),
    "package-lock.json": json.dumps(LOCK),
    ".nvmrc": "24\n",
}


class Application:
    """The files of a ward's folder, and what is done with them in a scenario."""

    def __init__(self, ward: Ward) -> None:
        self.ward = ward

    def write(self, name: str, text: str) -> None:
        write_files(self.ward.folder, {name: text})

    def replace(self, name: str, old: str, new: str) -> None:
        text = (self.ward.folder / name).read_text()
        assert old in text, f"{name} does not hold {old!r}"
        self.write(name, text.replace(old, new))

    def append(self, name: str, text: str) -> None:
        self.write(name, (self.ward.folder / name).read_text() + text)

    def deploy(self) -> None:
        """What `prisma migrate deploy` does."""
        assert self.ward.target.database_url is not None
        deploy_migrations(self.ward.target.database_url, "clinic", self.ward.folder / "prisma" / "migrations")


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def healthy_application(ward: Ward, changes: Mapping[str, str] | None = None, *, deploys: bool = True) -> Application:
    """Write all files, some of them with another text, and deploy."""
    write_files(ward.folder, {**FILES, **(changes or {})})
    application = Application(ward)
    if deploys:
        application.deploy()
    return application
