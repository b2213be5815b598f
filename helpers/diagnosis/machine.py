"""What this machine brings: Python, packages, Node, PostgreSQL, disk and memory."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

import psutil

from helpers.errors import WorkbookError
from helpers.lab.installation import find_installation
from helpers.node import node_executable
from helpers.places import cache_dir

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Part", "check_machine", "machine_parts"]

GIGABYTE = 1e9
#: The lab's npm parts, PostgreSQL's template and the generated Prisma client together, with room for a run.
DISK_GB = 2.0
MEMORY_GB = 1.0
PROGRAM_LIMIT_S = 20
SHOWN = ("jupyterlab", "pandas", "seaborn", "supabase", "websockets", "prisma")


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that the workbook needs: what was found, and what to do if it is not enough."""

    part: str
    found: str
    ready: bool
    advice: str = ""


def check_machine() -> pd.DataFrame:
    """One row for each part; `ready` says whether it will do."""
    import pandas as pd

    return pd.DataFrame(list(machine_parts()), columns=["part", "found", "ready", "advice"])


def machine_parts() -> Iterator[Part]:
    """Look at everything that a run needs, without starting a lab."""
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    yield Part("system", system, ready=os.name == "posix")
    yield Part("Python", platform.python_version(), ready=True)
    yield from (Part(name, version(name), ready=True) for name in SHOWN)
    yield _program("Node", lambda: [str(node_executable()), "--version"])
    yield _program("PostgreSQL", lambda: [str(find_installation().bin / "postgres"), "--version"])
    free = shutil.disk_usage(cache_dir()).free / GIGABYTE
    yield _amount("free disk", free, DISK_GB)
    yield _amount("free memory", psutil.virtual_memory().available / GIGABYTE, MEMORY_GB)


def _amount(name: str, gigabytes: float, needed: float) -> Part:
    enough = gigabytes >= needed
    return Part(name, f"{gigabytes:.1f} GB", enough, "" if enough else f"Free at least {needed:g} GB")


def _program(name: str, command: Callable[[], list[str]]) -> Part:
    try:
        done = subprocess.run(command(), capture_output=True, text=True, timeout=PROGRAM_LIMIT_S, check=True)
    except WorkbookError as error:
        return Part(name, error.happened, ready=False, advice=error.advice)
    except (OSError, subprocess.SubprocessError) as error:
        return Part(name, f"does not run ({type(error).__name__})", ready=False, advice="Install the packages again")
    return Part(name, done.stdout.strip(), ready=True)
