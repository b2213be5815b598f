"""What a conformance run leaves behind: nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.places import repository_root

#: Starts a lab that could come back, says where its folder is, and ends when it is told to.
SCRIPT = """
import asyncio, sys
from helpers.lab.conformance.server import LabServer

async def main():
    async with LabServer(comes_back=True) as server:
        print(server.folder, flush=True)
        await asyncio.to_thread(sys.stdin.readline)

asyncio.run(main())
"""
LIMIT_S = 20.0


@pytest.mark.parametrize("killed", [False, True])
def test_a_folder_is_removed(killed: bool) -> None:
    """When the run ends, and when it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=repository_root()
    ) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        assert (folder / "data" / "postgres").is_dir()
        if killed:
            process.kill()
        process.communicate(timeout=LIMIT_S)
    deadline = time.monotonic() + LIMIT_S
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()
