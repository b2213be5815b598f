"""What a project's connection strings are, without what they hold."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from dotenv import dotenv_values

from helpers.diagnosis.evidence.project import TRANSACTION_PORT, DatabaseUrl
from helpers.diagnosis.probes.project.files import UnreadableFile, read_text

__all__ = ["Environment", "config_of", "read_environment", "read_urls"]

SETTINGS = ("url", "directUrl", "shadowDatabaseUrl")
#: Prisma reads the first two; frameworks add the others, and the last of them wins there.
ENV_FILES = (".env", "prisma/.env", ".env.local")
POOLER = ".pooler.supabase.com"
HOSTED = (".supabase.com", ".supabase.co")
#: Names that can be shown: what else stands there is a mistake, and may be half of a password.
_NAME = re.compile(r"[\w-]{1,63}$")
_ENV = re.compile(r"""env\s*\(\s*["']([^"']+)["']|process\.env\.(\w+)|process\.env\[\s*["']([^"']+)["']""")
_CONFIG = re.compile(
    r"""\b(url|directUrl|shadowDatabaseUrl)\s*:\s*
        (env(?:<\w+>)?\s*\(\s*["'][^"']+["']|process\.env[.\[][^,\n}]+|["'][^"'\n]*["'])""",
    re.VERBOSE,
)

Environment = Mapping[str, tuple[str, str]]


def read_environment(root: Path) -> Environment:
    """Variable -> value and file, of the files from which Prisma takes its URLs."""
    found: dict[str, tuple[str, str]] = {}
    for name in ENV_FILES:
        try:
            text = read_text(root / name, root)
        except UnreadableFile:
            continue
        values = dotenv_values(stream=io.StringIO(text))
        found |= {key: (value, name) for key, value in values.items() if value and key not in found}
    return found


def read_urls(settings: Mapping[str, str], config: str, environment: Environment, file: str) -> tuple[DatabaseUrl, ...]:
    """The URLs of the datasource, those of `prisma.config.ts` first."""
    written = dict(settings) | dict(_CONFIG.findall(config))
    main = _value(written.get("url", ""), environment, file)[1]
    return tuple(_described(name, written[name], environment, file, main) for name in SETTINGS if name in written)


def _described(setting: str, written: str, environment: Environment, file: str, main: str) -> DatabaseUrl:
    variable, value, where = _value(written, environment, file)
    parts = _split(value)
    if parts is None:
        return DatabaseUrl(setting, variable)
    host, port = (parts.hostname or "").lower(), _port(parts)
    query = parse_qs(parts.query)
    role = unquote(parts.username or "").partition(".")[0]
    return DatabaseUrl(
        setting=setting,
        variable=variable,
        where=where,
        pooled=host.endswith(POOLER) or port == TRANSACTION_PORT,
        port=port,
        role=role if _NAME.match(role) else "",
        hosted=host.endswith(HOSTED),
        pgbouncer=query.get("pgbouncer", [""])[-1].lower() == "true",
        connection_limit=_number(query.get("connection_limit", [""])[-1]),
        schema=next((name for name in query.get("schema", []) if _NAME.match(name)), ""),
        same_as_url=setting != "url" and _address(parts) == _address(_split(main)),
    )


def _value(written: str, environment: Environment, file: str) -> tuple[str, str, str]:
    """The variable (if one is named), the value (if it is found) and the file that holds it."""
    found = _ENV.search(written)
    if found is None:
        literal = written.strip().strip("\"'")
        return "", literal, file if literal else ""
    variable = found[1] or found[2] or found[3]
    value, where = environment.get(variable, ("", ""))
    return variable, value, where


def _split(value: str) -> SplitResult | None:
    try:
        parts = urlsplit(value.strip())
        usable = parts.scheme in ("postgres", "postgresql") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None


def _port(parts: SplitResult) -> int:
    return parts.port or 5432


def _address(parts: SplitResult | None) -> tuple[str | None, int, str, str] | None:
    """What tells one database from another; the schema too, for a shadow database may not share it."""
    return parts and (parts.hostname, _port(parts), parts.path, parts.username or "")


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None


def config_of(root: Path) -> str:
    """The text of Prisma's configuration in TypeScript or JavaScript, comments and all; empty without one."""
    for path in sorted(root.glob("prisma.config.*")):
        if path.suffix in (".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"):
            try:
                return read_text(path, root)
            except UnreadableFile:
                return ""
    return ""
