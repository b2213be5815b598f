"""The patterns of this package as TypeScript, for a model of one's own: source to be read, kept and changed."""

from __future__ import annotations

from helpers.sync.typescript.command import typescript_command
from helpers.sync.typescript.generate import Imports, generate, write_sources

__all__ = ["Imports", "generate", "typescript_command", "write_sources"]
