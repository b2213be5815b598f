"""Keeps secrets out of everything that a run leaves behind."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

from helpers.redaction import secrets_of
from helpers.results import write_atomically
from helpers.target import Target, mask

__all__ = ["SECRET_VARIABLES", "Redactor"]

#: Variables that notebooks do not need, because the target is lent to them.
SECRET_VARIABLES = frozenset(
    {
        *("SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"),
        *("SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY", "DATABASE_URL"),
    }
)


class Redactor:
    """Replaces a target's secrets in texts, however they are escaped."""

    def __init__(self, target: Target) -> None:
        public = target.publishable_key  # it is in every browser; nothing is gained by hiding it
        self._secrets = [secret for secret in secrets_of(target) if secret != public]

    def __call__(self, text: str) -> str:
        """The text with every secret masked."""
        for secret in self._secrets:
            for spelling in {secret, json.dumps(secret)[1:-1], quote(secret, safe="")}:
                text = text.replace(spelling, mask(secret))
        return text

    def clean(self, folder: Path) -> None:
        """Mask the secrets in all text files below a folder."""
        for suffix in ("ipynb", "json", "md", "html"):
            for file in folder.rglob(f"*.{suffix}"):
                text = file.read_text(encoding="utf-8")
                if (masked := self(text)) != text:
                    write_atomically(file, masked.encode())
