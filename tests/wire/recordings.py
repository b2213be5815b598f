"""The frames of `data/recordings`, which a genuine server and a client exchanged."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from helpers.places import repository_root
from helpers.wire.frames import Version

FOLDER = repository_root() / "data" / "recordings"


@dataclass(frozen=True)
class Recorded:
    """One message: which file and line, on which connection, from whom, in which version, and what."""

    file: str
    line: int
    connection: str
    from_server: bool
    version: Version
    data: str | bytes

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@cache
def recorded(pattern: str = "*.jsonl") -> tuple[Recorded, ...]:
    """Every message of the files that match."""
    return tuple(message for path in sorted(FOLDER.glob(pattern)) for message in _messages(path))


def _messages(path: Path) -> Iterator[Recorded]:
    versions: dict[str, Version] = {}
    # Not splitlines(): a payload holds U+2028, which JSON does not escape.
    for number, text in enumerate(path.read_text(encoding="utf-8").strip().split("\n"), start=1):
        row = json.loads(text)
        if row["dir"] == "connect":
            query = parse_qs(urlsplit(row["url"]).query)
            versions[row["conn"]] = Version.V2 if query.get("vsn") == ["2.0.0"] else Version.V1
        elif row["dir"] in ("in", "out"):
            data = row["data"] if row["op"] == "text" else base64.b64decode(row["b64"])
            conn = row["conn"]
            yield Recorded(path.name, number, conn, row["dir"] == "in", versions[conn], data)
