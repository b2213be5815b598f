"""Where the workbook keeps what it makes on a machine: caches that can be deleted at any time."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs

__all__ = ["APP_NAME", "cache_dir", "repository_root", "shared_dir"]

APP_NAME = "supabase-realtime-workbook"


def repository_root() -> Path:
    """The folder that holds `helpers/`, `notebooks/` and `data/`."""
    return Path(__file__).resolve().parent.parent


def cache_dir() -> Path:
    """The user's cache folder: npm parts, generated Prisma client, database template.

    `WORKBOOK_CACHE_DIR` overrides it. Created when missing.
    """
    override = os.environ.get("WORKBOOK_CACHE_DIR")
    folder = Path(override) if override else Path(platformdirs.user_cache_dir(APP_NAME))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def shared_dir() -> Path:
    """A cache folder that every account of this machine may enter.

    PostgreSQL refuses to run as root, so root's lab runs it as another account, which cannot enter root's home.
    For anybody else this is `cache_dir()`.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return cache_dir()
    folder = Path(tempfile.gettempdir()) / f"{APP_NAME}-root"
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    if folder.stat().st_uid != 0:
        folder = Path(tempfile.mkdtemp(prefix=f"{APP_NAME}-root-"))
        folder.chmod(0o755)
    return folder
