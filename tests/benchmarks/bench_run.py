"""How long `workbook run` takes with everything installed: the goal is 90 s for all notebooks on 4 cores."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        command = [sys.executable, "-m", "helpers", "run", "--target", "lab", "--out", str(Path(folder) / "out")]
        subprocess.run(command, check=True)
        print(f"whole command: {time.monotonic() - began:.1f} s")
