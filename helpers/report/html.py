"""A report as one self-contained HTML page: no request leaves it, light and dark, fit for printing."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from importlib.resources import files

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from helpers.report.markdown import TITLE, as_markdown
from helpers.report.model import Report
from helpers.report.pictures import Picture

__all__ = ["as_html"]


class _Renderer(RendererHTML):
    """Embeds the pictures, and lets wide tables and long lines of code scroll by themselves."""

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        picture: Picture | None = env["pictures"].get(token.attrGet("src"))
        if picture is None:
            return ""
        return (
            "<picture>"
            f'<source media="screen and (prefers-color-scheme: dark)" srcset="{_data_uri(picture.dark_png)}">'
            f'<img src="{_data_uri(picture.light_png)}" alt="{html.escape(picture.alt, quote=True)}">'
            "</picture>"
        )

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _reachable(super().fence(tokens, idx, options, env))

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _reachable(super().code_block(tokens, idx, options, env))

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<div class="wide" tabindex="0" role="group" aria-label="Table"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"


def _reachable(block: str) -> str:
    """What scrolls can be reached without a mouse."""
    return block.replace("<pre>", '<pre tabindex="0">', 1)


def as_html(report: Report, pictures: Sequence[Picture] = ()) -> str:
    """The report's Markdown as a page with the pictures in it. HTML in texts from a server is shown, not obeyed."""
    by_source: Mapping[str, Picture] = {f"pictures/{picture.name}.png": picture for picture in pictures}
    parser = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")
    body = parser.render(as_markdown(report, pictures), {"pictures": by_source})
    style = files("helpers.report").joinpath("templates", "report.css").read_text(encoding="utf-8")
    title = html.escape(f"Realtime report: {report.target}")
    return _PAGE.format(title=title, description=html.escape(TITLE, quote=True), style=style, body=body)


def _data_uri(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="{description}">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}</main>
</body>
</html>
"""
