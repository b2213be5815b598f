"""The command that generates, for those who have no Node."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.cli import main
from helpers.errors import SettingsError
from helpers.prisma.datamodel import read_datamodel
from helpers.prisma.generate import SCHEMA
from helpers.sync.typescript import generate
from tests.sync.typescript.project import HERE


def test_the_command_writes_sources_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It writes the chosen model, may run again, and does not overwrite what was changed without being told to."""
    command = ["typescript", "--schema", str(SCHEMA), "--model", "Message", "--out", str(tmp_path / "sync")]
    assert main(command) == 0
    assert main(command) == 0
    names = {path.name for path in (tmp_path / "sync").iterdir()}
    assert {"message.model.ts", "message.table.ts", "subscription.ts", "use-rows.ts"} <= names
    assert not {name for name in names if name.startswith(("_", ".", "room"))}
    changed = tmp_path / "sync" / "write.ts"
    changed.write_text("mine")
    assert main(command) == 2
    assert changed.read_text() == "mine"
    assert "--force" in " ".join(capsys.readouterr().err.split())
    assert main([*command, "--force"]) == 0
    assert changed.read_text() != "mine"


def test_what_it_cannot_generate_it_says() -> None:
    """A model that is not there, and one whose rows cannot be told apart."""
    odd = read_datamodel(HERE / "odd.prisma")
    with pytest.raises(SettingsError, match="no model Nobody"):
        generate(odd, ["Nobody"])
    with pytest.raises(SettingsError, match="Keyless has no @id"):
        generate(odd, ["Keyless"])
    assert "keyless.model.ts" not in generate(odd)
    assert "use-rows.ts" not in generate(odd, hook=False)


def test_a_missing_schema_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The user's mistake is a sentence."""
    assert main(["typescript", "--schema", str(tmp_path / "none.prisma"), "--out", str(tmp_path)]) == 2
    assert "none.prisma" in capsys.readouterr().err
