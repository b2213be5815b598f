"""The sample application is one that a compiler has nothing against."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.review.application import type_errors


def test_type_checks(sample_app: Path) -> None:
    """It passes TypeScript's strict check."""
    assert type_errors(sample_app) == ""


def test_wrong_types_are_told(sample_app: Path, tmp_path: Path) -> None:
    """A copy that uses its own types wrongly does not pass."""
    folder = shutil.copytree(sample_app, tmp_path / "application", symlinks=True)
    (folder / "lib" / "wrong.ts").write_text("import type { Room } from './types';\nexport const room: Room = {};\n")
    assert "lib/wrong.ts(2,14): error TS2739" in type_errors(folder)
