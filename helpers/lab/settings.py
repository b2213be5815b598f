"""What a lab can be told, in Python or in a settings file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, get_type_hints

import msgspec

from helpers.errors import SettingsError
from helpers.lab.changes.settings import ChangeSettings
from helpers.lab.realtime.settings import Limits, RealtimeSettings

__all__ = ["LabSettings"]

_TRIED = "reading the lab's settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSettings:
    """One lab.

    Attributes:
        port: of the front door on 127.0.0.1; 0 takes a free one.
        db_port: of PostgreSQL on 127.0.0.1; 0 takes a free one.
        data_dir: keeps the database and the keys there; None makes them anew and removes them at the end.
        default_grants: what anon, authenticated and service_role may do with a table that postgres creates in
            public. ``"none"`` is Supabase's default since 2026 (new projects from 2026-05-30, all from 2026-10-30):
            grants must be written out. ``"all"`` is the default before, which older migrations rely on.
        exposed_schemas: the schemas that the REST API serves.
        max_rows: the most rows that one REST request returns.
        jwt_expiry_s: how long an access token is good, in seconds.
        email_confirmation: whether a sign-up must be confirmed by mail; mails are written to the lab's log.
        realtime: delays and limits of the Realtime server.
        changes: how postgres_changes reads the database.
    """

    port: int = 0
    db_port: int = 0
    data_dir: Path | None = None
    default_grants: Literal["none", "all"] = "none"
    exposed_schemas: tuple[str, ...] = ("public",)
    max_rows: int = 1000
    jwt_expiry_s: int = 3600
    email_confirmation: bool = False
    realtime: RealtimeSettings = field(default_factory=RealtimeSettings)
    changes: ChangeSettings = field(default_factory=ChangeSettings)

    def __post_init__(self) -> None:
        for name in ("port", "db_port"):
            if not 0 <= getattr(self, name) <= 65535:
                raise SettingsError(_TRIED, f"{name}={getattr(self, name)} is no port", "Give a number up to 65535")
        if self.data_dir is not None:
            object.__setattr__(self, "data_dir", self.data_dir.expanduser().absolute())

    @classmethod
    def from_file(cls, path: Path) -> LabSettings:
        """Read a JSON file, or a TOML file if its name ends so; keys are the attributes' names.

        Raises:
            SettingsError: the file cannot be read or parsed, or holds an unknown key or a wrong value.
        """
        tried = f"{_TRIED} from {path}"
        try:
            text = path.read_bytes()
            data = tomllib.loads(text.decode()) if path.suffix == ".toml" else msgspec.json.decode(text)
        except OSError as error:
            raise SettingsError(tried, str(error.strerror), "Name a file that can be read") from error
        except (msgspec.DecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(tried, f"it cannot be parsed: {error}", "Correct the file's syntax") from error
        return cls.from_mapping(data, tried)

    @classmethod
    def from_mapping(cls, data: object, tried: str = _TRIED) -> LabSettings:
        """Check and take plain data, as JSON holds it. Raises SettingsError."""
        unknown = _unknown_key(data, cls)
        if unknown:
            known = ", ".join(item.name for item in fields(cls))
            raise SettingsError(tried, f"there is no setting {unknown!r}", f"The settings are {known}")
        try:
            return msgspec.convert(_with_plan(data), cls, dec_hook=_decode)
        except SettingsError as error:
            raise SettingsError(tried, error.happened, error.advice) from error
        except msgspec.ValidationError as error:
            raise SettingsError(tried, str(error), "Correct that value") from error

    def to_mapping(self) -> dict[str, Any]:
        """Plain data, as `from_mapping` takes it."""
        plain: dict[str, Any] = msgspec.to_builtins(self, enc_hook=str)
        return plain


def _decode(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise TypeError(f"expected {kind.__name__}")


def _with_plan(data: Any) -> Any:
    """The data, the quotas of Realtime completed by those of their plan."""
    realtime = data.get("realtime") if isinstance(data, Mapping) else None
    if not (isinstance(realtime, Mapping) and "limits" in realtime):
        return data
    limits = Limits.from_file(realtime.get("plan", "lab"), realtime["limits"])
    return {**data, "realtime": {**realtime, "limits": limits}}


def _unknown_key(data: object, kind: Any) -> str | None:
    """The first key, dotted, that a dataclass has no field for."""
    if not (isinstance(data, Mapping) and is_dataclass(kind)):
        return None
    kinds = get_type_hints(kind)
    for key, value in data.items():
        if key not in kinds:
            return str(key)
        inner = _unknown_key(value, kinds[key])
        if inner:
            return f"{key}.{inner}"
    return None
