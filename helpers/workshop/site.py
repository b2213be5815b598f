"""The site of the notebooks, made by pip's packages alone (Sphinx and myst-nb, of the development group)."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any

from helpers.errors import RunError, SettingsError
from helpers.places import repository_root

__all__ = ["make_site"]

#: Of Sphinx. Notebooks were executed before; what was not is shown without outputs.
SETTINGS: dict[str, Any] = {
    "project": "Supabase Realtime + Prisma workbook",
    "extensions": ["myst_nb"],
    "html_theme": "alabaster",
    "html_theme_options": {"page_width": "1080px", "sidebar_width": "260px", "fixed_sidebar": True},
    "html_show_sourcelink": False,
    "myst_enable_extensions": {"deflist"},
    "nb_execution_mode": "off",
    "root_doc": "guide/index",
    "suppress_warnings": ["myst.header", "mystnb.unknown_mime_type", "misc.highlighting_failure"],
}
TRIED = "making the site"


def make_site(out: Path, executed: Path | None = None) -> Path:
    """Make it.

    Args:
        executed: a folder with notebooks that ran (`output/notebooks` after a run); those that are not in it are taken
            from the workbook, without outputs.

    Returns:
        The page to begin with.

    Raises:
        SettingsError: Sphinx is not installed.
        RunError: Sphinx has something against a page.
    """
    try:
        from sphinx.application import Sphinx
        from sphinx.errors import SphinxError
    except ImportError:
        advice = "Use `uv run`, which installs the development group, or pip install sphinx myst-nb"
        raise SettingsError(TRIED, "Sphinx is not installed", advice) from None
    with tempfile.TemporaryDirectory(prefix="workbook-site-") as folder:
        source = _gathered(Path(folder) / "source", executed)
        logging.getLogger("sphinx").setLevel(logging.WARNING)
        try:
            app = Sphinx(source, None, out, Path(folder) / "doctrees", "html", SETTINGS, None, warningiserror=True)
            app.build()
        except SphinxError as error:
            raise RunError(TRIED, str(error), "Mend the page that it names") from None
    if app.statuscode:
        raise RunError(TRIED, "a page has a fault, see above", "Mend the page that it names")
    return out / "guide" / "index.html"


def _gathered(source: Path, executed: Path | None) -> Path:
    """The notebooks and pages, those that ran in the place of those that did not."""
    shutil.copytree(repository_root() / "notebooks", source, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    for notebook in sorted(executed.rglob("*.ipynb")) if executed is not None else ():
        target = next(source.rglob(notebook.name), None)
        if target is not None:
            shutil.copyfile(notebook, target)
    return source
