"""The folder of a workshop: learners' notebooks and what they need beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from helpers.errors import InputError, RunError
from helpers.places import repository_root
from helpers.workshop.learner import learner_version

__all__ = ["new_workshop"]

#: Of the workbook, at the same places; the notebooks link to the guide.
BESIDE = (".env.example", *(f"notebooks/guide/{name}.md" for name in ("glossary", "paths", "instructors")))

README = """\
# Workshop

The notebooks of the Supabase Realtime + Prisma workbook, without the solutions of their exercises. They need the
workbook itself: in its folder,

    uv run jupyter lab {folder}

Where to begin: [notebooks/guide/paths.md](notebooks/guide/paths.md). For a project of your own, copy `.env.example`
to `.env` here.
"""


def new_workshop(folder: Path) -> list[Path]:
    """Write learners' versions of all notebooks into a folder that is not there yet, or empty.

    Returns:
        The files written.

    Raises:
        InputError: the folder holds something.
        RunError: a notebook cannot be made, or the folder not written.
    """
    tried = f"making a workshop in {folder}"
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(tried, "it is not empty", "Name a folder that does not exist yet")
    root = repository_root()
    sources = sorted((root / "notebooks").rglob("*.ipynb"))
    made = {path.relative_to(root): _learners(path) for path in sources if ".ipynb_checkpoints" not in path.parts}
    try:
        for name, text in made.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        for beside in BESIDE:
            (folder / beside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / beside, folder / beside)
        (folder / "README.md").write_text(README.format(folder=folder.absolute()), encoding="utf-8")
    except OSError as error:
        raise RunError(tried, error.strerror or str(error), "Choose a folder that you may write") from None
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _learners(path: Path) -> str:
    try:
        made = learner_version(json.loads(path.read_text(encoding="utf-8")))
    except RunError as error:
        raise RunError(f"{error.tried} ({path.name})", error.happened, error.advice) from None
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"
