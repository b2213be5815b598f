"""What an entry of the tables is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from helpers.diagnosis.evidence import Heard, Place
from helpers.diagnosis.results import Status

__all__ = ["CODES", "Answer"]

CODES = "https://github.com/supabase/realtime/blob/main/ERROR_CODES.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One thing that the server says, and what it means.

    `cause` and `fix` may name what `words` captures (``$topic``, and ``$topic_sql`` as a literal), the table
    ``$quoted`` for a captured schema and table, and ``$host``, ``$origin``, ``$project`` of the target.

    Attributes:
        words: pattern that finds the sentence.
        cause, fix: of a user's token or a channel; `key_cause` and `key_fix` where the handshake says it of the key.
        http: HTTP status that decides, where there is no sentence.
        places: where it counts; everywhere if empty.
        tenant: the columns of the server's table of projects that lift it, `dashboard` what they are called there.
    """

    id: str
    title: str
    words: str
    cause: str
    fix: str
    symptom: str
    why: str
    verify: str
    key_cause: str = ""
    key_fix: str = ""
    remedy: str = ""
    http: int | None = None
    places: tuple[Place, ...] = ()
    tenant: Mapping[str, object] = field(default_factory=dict)
    dashboard: str = ""
    status: Status = Status.FAILURE
    source: str = CODES
    follows: tuple[str, ...] = ()
    notes: tuple[int, ...] = ()

    def matches(self, heard: Heard) -> bool:
        """Whether this is what was heard."""
        if self.places and heard.place not in (*self.places, Place.LOG):
            return False
        if self.http is not None and heard.place is Place.HANDSHAKE:
            return heard.status == self.http and re.search(self.words, heard.sentence) is not None
        return re.search(self.words, heard.sentence) is not None
