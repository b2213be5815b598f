"""Deno, on which Supabase's Edge Functions run: where it is, and how it gets there.

Only the experiment with a function needs it, so it is no part of the installation. Its npm package downloads nothing by
itself: the executable lies in a package for each platform, of which the one for Linux on x86-64 is pinned here by its
hash. Elsewhere a Deno of one's own is taken.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from helpers.errors import NodeError
from helpers.node import installed
from helpers.places import cache_dir

__all__ = ["deno_environment", "deno_executable", "deno_version"]

_MANIFEST = Path(__file__).parent / "npm" / "deno"
_INSIDE = Path("node_modules/@deno/linux-x64-glibc/deno")
_ADVICE = "Install Deno 2 (https://deno.com), or set WORKBOOK_DENO to the path of its executable"


def deno_executable() -> Path:
    """The Deno to run: ``WORKBOOK_DENO``, else the pinned one, else a `deno` on the PATH.

    The first call on Linux with x86-64 downloads about 40 MB. Blocking.

    Raises:
        NodeError: there is none for this machine, or it cannot be installed.
    """
    named = os.environ.get("WORKBOOK_DENO")
    if named:
        return Path(named)
    if is_pinned_here():
        return installed(_MANIFEST, "Installing Deno (once, about 40 MB) …") / _INSIDE
    found = shutil.which("deno")
    if found is None:
        machine = f"{platform.system()} on {platform.machine()}"
        raise NodeError("looking for Deno", f"none is pinned for {machine}, and there is none on the PATH", _ADVICE)
    return Path(found)


def is_pinned_here() -> bool:
    """Whether the pinned executable runs on this machine: it needs glibc."""
    return (
        sys.platform == "linux"
        and platform.machine().lower() in ("x86_64", "amd64")
        and platform.libc_ver()[0] == "glibc"
    )


def deno_version(deno: Path) -> str:
    """As ``2.9.6``. Blocking.

    Raises:
        NodeError: it does not run.
    """
    try:
        done = subprocess.run(
            [deno, "--version"], capture_output=True, text=True, timeout=30, check=True, env=deno_environment()
        )
        name, version, *_ = done.stdout.split()
        if name == "deno":
            return version
    except (OSError, subprocess.SubprocessError, ValueError):
        pass
    raise NodeError("looking for Deno", f"{deno} is not a Deno that runs", _ADVICE)


def deno_environment() -> dict[str, str]:
    """The environment for a Deno of ours: nothing of ours is passed on, it asks nobody, and tells nobody."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "DENO_DIR": str(cache_dir() / "deno"),
        "DENO_NO_UPDATE_CHECK": "1",
        "DENO_NO_PROMPT": "1",
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
    }
