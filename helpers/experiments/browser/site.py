"""Serves the page to the browser: our few lines, supabase-js as it is published for browsers, and React."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from helpers.node import installed, npm_parts
from helpers.places import repository_root

__all__ = ["Site", "serve_page"]

_PAGE = Path(__file__).with_name("page")
_REACT = repository_root() / "helpers" / "npm" / "browser"
_SUPABASE = Path("node_modules/@supabase/supabase-js")
_KINDS = {".html": "text/html", ".js": "text/javascript"}

#: React is published for bundlers, as modules that call `require`. These are the ones of a production build.
_MODULES = {
    "react": "react/cjs/react.production.js",
    "scheduler": "scheduler/cjs/scheduler.production.js",
    "react-dom": "react-dom/cjs/react-dom.production.js",
    "react-dom/client": "react-dom/cjs/react-dom-client.production.js",
}
_BUNDLE = """\
const modules = {{{bodies}}}, loaded = {{}};
function require(name) {{
  if (!loaded[name]) modules[name]((loaded[name] = {{ exports: {{}} }}), loaded[name].exports, require);
  return loaded[name].exports;
}}
"""


@dataclass(frozen=True, slots=True)
class Site:
    """A page that is served.

    Attributes:
        versions: of what the page loads, by name.
    """

    url: str
    versions: dict[str, str]


@asynccontextmanager
async def serve_page() -> AsyncIterator[Site]:
    """On this machine only, for the block.

    Raises:
        NodeError: the parts are not to be had.
    """
    files, versions = await asyncio.to_thread(_files)

    async def answer(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in files:
            raise web.HTTPNotFound
        return web.Response(text=files[name], content_type=_KINDS[Path(name).suffix])

    application = web.Application()
    application.router.add_get("/{name:.*}", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        yield Site(f"http://127.0.0.1:{port}/index.html", versions)
    finally:
        await runner.cleanup()


def _files() -> tuple[dict[str, str], dict[str, str]]:
    """All that is served by name, and the versions. Blocking."""
    parts = npm_parts()
    react = installed(_REACT, "Installing React (once, about 2 MB) …") / "node_modules"
    files = {path.name: path.read_text() for path in _PAGE.iterdir()}
    files["supabase.js"] = (parts / _SUPABASE / "dist/umd/supabase.js").read_text()
    files["react.js"] = _BUNDLE.format(bodies=",\n".join(_module(react, *module) for module in _MODULES.items()))
    return files, {"supabase-js": _version(parts / _SUPABASE), "React": _version(react / "react")}


def _module(react: Path, name: str, path: str) -> str:
    return f"{json.dumps(name)}: (module, exports, require) => {{\n{(react / path).read_text()}\n}}"


def _version(package: Path) -> str:
    return str(json.loads((package / "package.json").read_text())["version"])
