"""How Sphinx makes the site; `python -m docs` calls it with executed notebooks beside these pages."""

from __future__ import annotations

project = "Supabase Realtime + Prisma workbook"
extensions = ["myst_nb"]
html_theme = "alabaster"
html_theme_options = {"page_width": "1080px", "sidebar_width": "260px", "fixed_sidebar": True}
html_show_sourcelink = False
myst_enable_extensions = ["deflist"]
# Notebooks were executed before; what is not, is shown without outputs.
nb_execution_mode = "off"
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type", "misc.highlighting_failure"]
exclude_patterns = ["_build", "__main__.py"]
