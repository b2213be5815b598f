"""The last gate before a result leaves: no secret of the target stands in any of its texts."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar
from urllib.parse import urlsplit

from helpers.diagnosis.results import Check, Layer
from helpers.redaction import masked
from helpers.target import Target

__all__ = ["address_of", "redacted"]

R = TypeVar("R", Check, Layer)


def redacted(result: R, secrets: tuple[str, ...]) -> R:
    """The same layer or check, each secret in its texts masked."""
    values: dict[str, Any] = {field.name: getattr(result, field.name) for field in fields(result)}
    clean: dict[str, Any] = {name: masked(text, secrets) for name, text in values.items() if type(text) is str}
    return replace(result, **clean)


def address_of(target: Target) -> str:
    """Kind and origin of the target, without a user's name and password if the URL held them."""
    parts = urlsplit(target.api_url)
    return f"{target.kind.value} at {parts.scheme}://{parts.netloc.rpartition('@')[2]}"
