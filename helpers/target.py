"""Which Supabase is looked at: its URL, its keys, its database, and what may be done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

from helpers.errors import TargetError
from helpers.plans import Plan

__all__ = ["Target", "TargetKind", "mask"]

#: A host's name and what may stand around it; what is longer is something else, perhaps a secret.
LONGEST_SHOWN = 80


class TargetKind(StrEnum):
    """The three kinds of Supabase that the workbook runs against."""

    LAB = "lab"  # the embedded one, nothing to set up
    LOCAL = "local"  # `supabase start` on this machine
    HOSTED = "hosted"  # a project of the user


def mask(secret: str | None) -> str:
    """A secret as it may be shown: the first characters where they tell its kind, and its length."""
    if not secret:
        return "not set"
    for prefix in ("sb_publishable_", "sb_secret_"):
        if secret.startswith(prefix):
            return f"{prefix}… ({len(secret)} characters)"
    return f"{secret[:3] if len(secret) > 20 else ''}… ({len(secret)} characters)"


@dataclass(frozen=True, slots=True)
class Target:
    """One Supabase.

    Attributes:
        kind: lab, local stack or hosted project.
        api_url: origin of all services, without a trailing slash, for example ``http://127.0.0.1:54321``.
        publishable_key: the client's key (publishable, or the older anon JWT).
        secret_key: the server's key (secret, or the older service role JWT), if given.
        database_url: a PostgreSQL URL, if given.
        jwt_secret: the HS256 secret with which tokens for test users can be minted; only the lab tells it.
        user_token: an access token of one of the project's users, to be looked at, if given.
        schema: the PostgreSQL schema that holds the workbook's own tables.
        writes_allowed: whether the workbook may create and change tables of its own there.
        plan: whose quota holds there; None where nobody has said so.
        above_quota: whether measurements may go above that quota.
    """

    kind: TargetKind
    api_url: str
    publishable_key: str = field(repr=False)
    secret_key: str | None = field(default=None, repr=False)
    database_url: str | None = field(default=None, repr=False)
    jwt_secret: str | None = field(default=None, repr=False)
    schema: str = "public"
    writes_allowed: bool = False
    user_token: str | None = field(default=None, repr=False)
    plan: Plan | None = None
    above_quota: bool = False

    @property
    def realtime_url(self) -> str:
        """The WebSocket endpoint, ``ws(s)://…/realtime/v1/websocket``."""
        return "ws" + self.api_url.removeprefix("http") + "/realtime/v1/websocket"

    @property
    def rest_url(self) -> str:
        return f"{self.api_url}/rest/v1"

    @property
    def auth_url(self) -> str:
        return f"{self.api_url}/auth/v1"

    @property
    def host(self) -> str:
        return urlsplit(self.api_url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.api_url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine, where no proxy leads to it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def as_service(self) -> Target:
        """The same for a server of one's own, which sees all rows: its clients use the secret key.

        Raises:
            TargetError: there is none.
        """
        if not self.secret_key:
            tried = "taking the rights of the service role"
            raise TargetError(tried, "there is no secret key", "Set SUPABASE_SECRET_KEY (sb_secret_…, or service_role)")
        return replace(self, publishable_key=self.secret_key)

    def __str__(self) -> str:
        return f"{self.kind.value} at {self.api_url}"

    @classmethod
    def from_env(cls, env: Mapping[str, str | None]) -> Target:
        """Read a target from variables, as `.env` holds them.

        Needs ``SUPABASE_URL`` and ``SUPABASE_PUBLISHABLE_KEY`` (or ``SUPABASE_ANON_KEY``); takes
        ``SUPABASE_SECRET_KEY`` (or ``SUPABASE_SERVICE_ROLE_KEY``), ``DATABASE_URL``, ``WORKBOOK_USER_TOKEN``,
        ``WORKBOOK_SCHEMA`` and ``WORKBOOK_ALLOW_WRITES=yes``.

        Raises:
            TargetError: with the variable at fault and how to set it.
        """
        tried = "reading the target from .env and the environment"
        api_url = _checked_url(env.get("SUPABASE_URL") or "", tried)
        key = env.get("SUPABASE_PUBLISHABLE_KEY") or env.get("SUPABASE_ANON_KEY") or ""
        _check_key(key, tried)
        host = urlsplit(api_url).hostname
        return cls(
            kind=TargetKind.LOCAL if host in ("127.0.0.1", "localhost", "::1") else TargetKind.HOSTED,
            api_url=api_url,
            publishable_key=key,
            secret_key=env.get("SUPABASE_SECRET_KEY") or env.get("SUPABASE_SERVICE_ROLE_KEY") or None,
            database_url=env.get("DATABASE_URL") or None,
            user_token=env.get("WORKBOOK_USER_TOKEN") or None,
            schema=env.get("WORKBOOK_SCHEMA") or "workbook",
            writes_allowed=_says_yes(env.get("WORKBOOK_ALLOW_WRITES")),
            plan=_plan(env.get("WORKBOOK_PLAN"), tried),
            above_quota=_says_yes(env.get("WORKBOOK_ABOVE_QUOTA")),
        )


def _says_yes(said: str | None) -> bool:
    return (said or "").strip().lower() in ("1", "yes", "true")


def _plan(said: str | None, tried: str) -> Plan | None:
    if not said:
        return None
    try:
        return Plan(said.strip().lower())
    except ValueError:
        plans = ", ".join(Plan)
        raise TargetError(tried, f"WORKBOOK_PLAN={_shown(said)} is no plan", f"Set it to one of {plans}") from None


def _checked_url(url: str, tried: str) -> str:
    if not url:
        raise TargetError(tried, "SUPABASE_URL is not set", "Set SUPABASE_URL=https://<project>.supabase.co in .env")
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable:
        raise TargetError(
            tried,
            f"SUPABASE_URL={_shown(url)} is not a web address",
            "Copy the Project URL from the dashboard (Settings, Data API): it looks like https://<project>.supabase.co",
        )
    return f"{parts.scheme}://{parts.netloc}"


def _shown(url: str) -> str:
    """What stands in the URL's place, unless it may be a secret: a key, or a connection string with its password."""
    return mask(url) if "@" in url or len(url) > LONGEST_SHOWN or url.startswith(("sb_", "eyJ")) else repr(url)


def _check_key(key: str, tried: str) -> None:
    advice = "Copy the publishable key (sb_publishable_…) or the anon key (eyJ…) from Settings, API Keys into .env"
    if not key:
        raise TargetError(tried, "neither SUPABASE_PUBLISHABLE_KEY nor SUPABASE_ANON_KEY is set", advice)
    if key.startswith("sb_secret_"):
        raise TargetError(tried, "SUPABASE_PUBLISHABLE_KEY holds a secret key", advice)
    is_jwt = key.count(".") == 2 and key.startswith("eyJ") and key.isascii()
    if not (is_jwt or key.startswith("sb_publishable_")):
        raise TargetError(tried, f"the key {mask(key)} is neither a publishable key nor a JSON Web Token", advice)
