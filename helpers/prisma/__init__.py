"""Prisma on this machine, without a download of engines: client, migrations, seed rows."""

from __future__ import annotations

from helpers.prisma.client import Prisma, json_type, prisma_client, statements_sent
from helpers.prisma.engines import EngineKind, choose_engine
from helpers.prisma.migrations import deploy_migrations, drop_schema
from helpers.prisma.seed import SEED_ROOM, SEED_USERS, seed

__all__ = [
    "SEED_ROOM",
    "SEED_USERS",
    "EngineKind",
    "Prisma",
    "choose_engine",
    "deploy_migrations",
    "drop_schema",
    "json_type",
    "prisma_client",
    "seed",
    "statements_sent",
]
