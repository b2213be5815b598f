"""`python -m docs [--executed DIR] --out DIR`: make the site of the notebooks, with pip's packages alone.

`workbook run --all` leaves executed notebooks in `output/notebooks`; without any the site shows them without outputs.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m docs", description=__doc__)
    parser.add_argument("--executed", type=Path, default=ROOT / "output" / "notebooks", metavar="DIR")
    parser.add_argument("--out", type=Path, default=ROOT / "output" / "site", metavar="DIR")
    arguments = parser.parse_args()
    return build(arguments.out, arguments.executed)


def build(out: Path, executed: Path | None = None) -> int:
    """Make the site.

    Args:
        executed: a folder with notebooks that ran; those that are not in it are taken from the workbook.

    Returns:
        0, or what Sphinx says went wrong.
    """
    with tempfile.TemporaryDirectory(prefix="workbook-site-") as folder:
        source = Path(folder) / "source"
        shutil.copytree(HERE, source, ignore=shutil.ignore_patterns("__pycache__", "__main__.py"))
        shutil.copytree(ROOT / "notebooks", source / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        for notebook in sorted(executed.rglob("*.ipynb")) if executed is not None else ():
            target = next((source / "notebooks").rglob(notebook.name), None)
            if target is not None:
                shutil.copyfile(notebook, target)
        app = Sphinx(source, source, out, Path(folder) / "doctrees", "html", warningiserror=True)
        app.build()
        return app.statuscode


if __name__ == "__main__":
    sys.exit(main())
