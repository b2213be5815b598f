"""Places of a snippet in a text, for facts that are written by hand."""

from __future__ import annotations

from helpers.review.database.facts import ColumnFacts, DatabaseFacts, TableFacts
from helpers.review.plan.rewriting.edits import Edit, applied
from helpers.review.plan.rewriting.scripts import Script, open_script
from helpers.review.source import Place

PATH = "app/chat.tsx"

MESSAGES = TableFacts(
    "public",
    "messages",
    columns=(
        ColumnFacts("id", "bigint"),
        ColumnFacts("room_id", "bigint"),
        ColumnFacts("author", "uuid"),
        ColumnFacts("kind", "text"),
        ColumnFacts("body", "text"),
        ColumnFacts("meta", "jsonb"),
    ),
    primary_key=("id",),
)
DATABASE = DatabaseFacts((MESSAGES,))


def at(text: str, snippet: str, path: str = PATH, *, nth: int = 0) -> Place:
    """Where a snippet stands; it must."""
    start = -1
    for _ in range(nth + 1):
        start = text.index(snippet, start + 1)
    end = start + len(snippet)
    return Place(path, *_position(text, start), *_position(text, end))


def script(text: str, path: str = PATH) -> Script:
    """The script that holds the text's first channel."""
    found = open_script(path, text, at(text, ".channel(", path))
    assert found is not None
    return found


def edited(text: str, *edits: Edit) -> str:
    """The text after edits."""
    return applied(text, edits)


def _position(text: str, offset: int) -> tuple[int, int]:
    line = text.count("\n", 0, offset)
    return line + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1
