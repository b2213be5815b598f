"""The sample application is one that a compiler has nothing against."""

from __future__ import annotations

from pathlib import Path

from tests.review.application import SAMPLE_APP, prepare, type_errors


def test_type_checks(tmp_path: Path) -> None:
    """It passes TypeScript's strict check, and a wrong use of its own types does not."""
    folder = prepare(SAMPLE_APP, tmp_path / "app")
    assert type_errors(folder) == ""
    (folder / "lib" / "wrong.ts").write_text("import type { Room } from './types';\nexport const room: Room = {};\n")
    assert "lib/wrong.ts(2,14): error TS2739" in type_errors(folder)
