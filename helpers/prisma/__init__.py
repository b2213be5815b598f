"""Prisma on this machine, without a download of engines: client, migrations, seed rows."""

from __future__ import annotations

from helpers.prisma.client import Prisma, datamodel_of, json_type, prisma_client, schema_of, statements_sent
from helpers.prisma.engines import EngineKind, choose_engine
from helpers.prisma.migrations import deploy_migrations, drop_schema
from helpers.prisma.seed import SEED_ROOM, SEED_USERS, seed

__all__ = [
    "SEED_ROOM",
    "SEED_USERS",
    "EngineKind",
    "Prisma",
    "choose_engine",
    "datamodel_of",
    "deploy_migrations",
    "drop_schema",
    "json_type",
    "prisma_client",
    "schema_of",
    "seed",
    "statements_sent",
]
