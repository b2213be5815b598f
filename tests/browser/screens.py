"""The pictures of the main screens in the README: where they are, and whether they show this version."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path

from helpers.places import repository_root

__all__ = ["MOST_BYTES", "SOURCES", "note", "outdated", "picture"]

#: So much of a README's reader's patience is one picture worth.
MOST_BYTES = 250_000

_WIDGETS = "helpers/widgets"
#: What shapes each screen: when one of these changes, its picture has to be taken again.
SOURCES = {
    "start_here": ("notebooks/00_start_here.ipynb",),
    "panels": (f"{_WIDGETS}/panel.py", f"{_WIDGETS}/status.py", f"{_WIDGETS}/switchboard.py", "tests/browser/stage.py"),
    "live": (f"{_WIDGETS}/panel.py", f"{_WIDGETS}/load.py", f"{_WIDGETS}/watch.py", "tests/browser/stage.py"),
    "report": ("helpers/report/html.py", "helpers/report/markdown.py", "helpers/report/templates/report.css"),
}

ROOT = repository_root()
FOLDER = ROOT / "data" / "pictures" / "screens"
#: By picture, the version and the fingerprint of the sources that it shows.
MANIFEST = FOLDER / "screens.json"


def picture(name: str) -> Path:
    """Where the picture of a screen is kept."""
    return FOLDER / f"{name}.png"


def outdated() -> list[str]:
    """The screens whose picture is missing, or shows another version or other sources."""
    noted = _noted()
    return [name for name in SOURCES if not picture(name).is_file() or noted.get(name) != _shown(name)]


def note(name: str) -> None:
    """Write down that the picture of a screen shows what is so now."""
    noted = {**_noted(), name: _shown(name)}
    MANIFEST.write_text(json.dumps(noted, indent=2, sort_keys=True) + "\n")


def _noted() -> dict[str, dict[str, str]]:
    return json.loads(MANIFEST.read_text()) if MANIFEST.is_file() else {}


def _shown(name: str) -> dict[str, str]:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    digest = hashlib.sha256(b"".join((ROOT / source).read_bytes() for source in SOURCES[name]))
    return {"version": version, "sources": digest.hexdigest()}
