"""Keeps secrets out of everything that a run leaves behind."""

from __future__ import annotations

from pathlib import Path

from helpers.redaction import masked, secrets_of
from helpers.results import write_atomically
from helpers.target import Target

__all__ = ["SECRET_VARIABLES", "Redactor"]

#: Variables that notebooks do not need, because the target is lent to them.
SECRET_VARIABLES = frozenset(
    {
        *("SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"),
        *("SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY", "DATABASE_URL", "WORKBOOK_USER_TOKEN"),
    }
)


class Redactor:
    """Replaces a target's secrets in texts, however they are escaped."""

    def __init__(self, target: Target) -> None:
        public = target.publishable_key  # it is in every browser; nothing is gained by hiding it
        self._secrets = tuple(secret for secret in secrets_of(target) if secret != public)

    def __call__(self, text: str) -> str:
        """The text with every secret masked."""
        return masked(text, self._secrets)

    def clean(self, folder: Path) -> None:
        """Mask the secrets in all text files below a folder."""
        for suffix in ("ipynb", "json", "md", "html"):
            for file in folder.rglob(f"*.{suffix}"):
                text = file.read_text(encoding="utf-8")
                if (clean := self(text)) != text:
                    write_atomically(file, clean.encode())
