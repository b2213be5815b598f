"""The sample application, made ready once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.review.application import SAMPLE_APP, prepare


@pytest.fixture(scope="session")
def sample_app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample application with its packages and its Prisma client: nobody changes it."""
    return prepare(SAMPLE_APP, tmp_path_factory.mktemp("sample") / "application")
