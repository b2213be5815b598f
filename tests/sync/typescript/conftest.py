"""The generated sources, compiled once for each schema."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.prisma.generate import SCHEMA
from tests.sync.typescript.project import HERE, Project


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """For the workbook's own schema."""
    return compiled(tmp_path_factory.mktemp("typescript"), SCHEMA.read_text(), ("follow", "patterns", "hook", "replay"))


@pytest.fixture(scope="session")
def odd_project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """For a schema of strange names and types."""
    return compiled(tmp_path_factory.mktemp("typescript"), (HERE / "odd.prisma").read_text(), ("convert_odd",))


def compiled(folder: Path, schema: str, checks: tuple[str, ...]) -> Project:
    project = Project(folder, schema, checks)
    assert project.compile() == ""
    return project
