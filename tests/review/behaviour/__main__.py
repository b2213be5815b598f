"""`python -m tests.review.behaviour [APPLICATION]` prints what each screen of an application ends up showing."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from tests.review.application import SAMPLE_APP, prepare
from tests.review.behaviour.screens import play


def main() -> None:
    application = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLE_APP
    with tempfile.TemporaryDirectory() as folder:
        screens = asyncio.run(play(prepare(application, Path(folder) / "application")))
    print(json.dumps(screens, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
