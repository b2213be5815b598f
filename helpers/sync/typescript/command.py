"""The command ``workbook typescript``."""

from __future__ import annotations

import argparse
import sys

from helpers.errors import SettingsError
from helpers.prisma.datamodel import Datamodel, read_datamodel
from helpers.sync.typescript.generate import Imports, generate, write_sources

__all__ = ["typescript_command"]


def typescript_command(arguments: argparse.Namespace) -> int:
    """Generate the sources, and say where they are."""
    imports = Imports(arguments.client, arguments.browser or "")
    sources = generate(
        _datamodel(arguments), arguments.model or (), imports=imports, schema=arguments.db_schema, hook=arguments.hook
    )
    paths = write_sources(sources, arguments.out, force=arguments.force)
    sys.stdout.write(f"{len(paths)} files in {arguments.out}\n")
    return 0


def _datamodel(arguments: argparse.Namespace) -> Datamodel:
    try:
        return read_datamodel(arguments.schema)
    except (OSError, UnicodeDecodeError) as error:
        happened = f"{arguments.schema}: {getattr(error, 'strerror', None) or 'it is no text'}"
        raise SettingsError("reading the Prisma schema", happened, "Name it with --schema") from None
