"""Prisma on this machine, without a download of engines: client, migrations, seed rows."""

from __future__ import annotations

from helpers.prisma.migrations import deploy_migrations, drop_schema
from helpers.prisma.seed import SEED_ROOM, SEED_USERS, seed

__all__ = ["SEED_ROOM", "SEED_USERS", "deploy_migrations", "drop_schema", "seed"]
