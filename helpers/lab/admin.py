"""The admin API of Auth (/auth/v1/admin/users), which @supabase/lite does not have: users, by the project's owner.

Works on the tables that lite works on, so that a user made here signs in there. Answers and errors are GoTrue's
(supabase/auth, internal/api/admin.go and apierrors/errorcode.go).
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import psycopg
from aiohttp import web
from psycopg.types.json import Jsonb

from helpers.lab.door import CALLER
from helpers.lab.gateway import Role

__all__ = ["Admin"]

#: As in lite and GoTrue: `minimum_password_length`.
MINIMUM_PASSWORD = 6
_PER_PAGE = 50
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

#: One user as Auth answers it. PostgreSQL's JSON has times in RFC 3339, which every client takes.
_USER = """
  jsonb_strip_nulls(jsonb_build_object(
    'id', u.id, 'aud', u.aud, 'role', u.role, 'email', coalesce(u.email, ''), 'phone', coalesce(u.phone, ''),
    'email_confirmed_at', u.email_confirmed_at, 'phone_confirmed_at', u.phone_confirmed_at,
    'confirmed_at', u.confirmed_at, 'invited_at', u.invited_at, 'last_sign_in_at', u.last_sign_in_at,
    'banned_until', u.banned_until, 'deleted_at', u.deleted_at, 'created_at', u.created_at,
    'updated_at', u.updated_at, 'is_anonymous', u.is_anonymous
  )) || jsonb_build_object(
    'app_metadata', coalesce(u.raw_app_meta_data, '{}'), 'user_metadata', coalesce(u.raw_user_meta_data, '{}'),
    'identities', coalesce((
      select jsonb_agg(jsonb_build_object(
        'identity_id', i.id, 'id', i.provider_id, 'user_id', i.user_id, 'identity_data', i.identity_data,
        'provider', i.provider, 'last_sign_in_at', i.last_sign_in_at, 'created_at', i.created_at,
        'updated_at', i.updated_at, 'email', i.email
      ) order by i.created_at) from auth.identities i where i.user_id = u.id
    ), '[]')
  )
"""

Connection = psycopg.AsyncConnection[tuple[Any, ...]]
Hash = Callable[[str], Awaitable[str]]
Handler = Callable[[web.Request], Awaitable[web.Response]]


class AdminError(Exception):
    """A refusal as GoTrue words it."""

    def __init__(self, status: int, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": status, "error_code": code, "msg": message} | details


class Admin:
    """The HTTP handlers of the admin API.

    Args:
        conninfo: connection string of supabase_auth_admin.
        hash_password: makes of a password what sign-in compares with.
    """

    def __init__(self, conninfo: str, hash_password: Hash) -> None:
        self._conninfo = conninfo
        self._hash = hash_password

    def routes(self) -> list[web.RouteDef]:
        """What the front door is to mount."""
        users, user = "/auth/v1/admin/users", "/auth/v1/admin/users/{id}"
        return [
            web.get(users, _guarded(self._list)),
            web.post(users, _guarded(self._create)),
            web.get(user, _guarded(self._get)),
            web.put(user, _guarded(self._update)),
            web.delete(user, _guarded(self._delete)),
        ]

    async def _list(self, request: web.Request) -> web.Response:
        page, size = _positive(request, "page", 1), _positive(request, "per_page", _PER_PAGE)
        query = f"""
            select (select count(*) from auth.users where deleted_at is null), (
              select coalesce(jsonb_agg(page.item), '[]') from (
                select {_USER} as item from auth.users u where u.deleted_at is null
                order by u.created_at desc, u.id limit %s offset %s
              ) page)
        """
        async with await self._connect() as connection:
            row = await (await connection.execute(query.encode(), (size, (page - 1) * size))).fetchone()
        total, users = row or (0, [])
        headers = {"X-Total-Count": str(total), "Link": _links(request, page, size, total)}
        return web.json_response({"users": users, "aud": "authenticated"}, headers=headers)

    async def _create(self, request: web.Request) -> web.Response:
        body = await _body(request)
        email, phone = _email(body), _text(body, "phone")
        if not email and not phone:
            raise AdminError(400, "validation_failed", "Cannot create a user without either an email or phone")
        identifier = _identifier(body.get("id") or str(uuid.uuid4()))
        providers = [name for name, value in (("email", email), ("phone", phone)) if value]
        columns: dict[str, Any] = {
            "id": identifier, "aud": "authenticated", "role": _text(body, "role") or "authenticated",
            "email": email, "phone": phone, "raw_user_meta_data": Jsonb(_mapping(body, "user_metadata")),
            "raw_app_meta_data": Jsonb(
                {"provider": providers[0], "providers": providers} | _mapping(body, "app_metadata")
            ),
        } | await self._credentials(body)  # fmt: skip
        async with await self._connect() as connection:
            await _insert(connection, "users", columns)
            for provider in providers:
                await _insert(connection, "identities", _identity(identifier, provider, body))
            return web.json_response(await _one(connection, identifier))

    async def _get(self, request: web.Request) -> web.Response:
        async with await self._connect() as connection:
            return web.json_response(await _one(connection, _identifier(request.match_info["id"])))

    async def _update(self, request: web.Request) -> web.Response:
        identifier, body = _identifier(request.match_info["id"]), await _body(request)
        email, phone, role = _email(body), _text(body, "phone"), _text(body, "role")
        given = {"email": email, "phone": phone, "role": role}
        columns = {name: value for name, value in given.items() if value} | await self._credentials(body)
        async with await self._connect() as connection:
            await _one(connection, identifier)
            await _set(connection, identifier, columns)
            for name, column in (("user_metadata", "raw_user_meta_data"), ("app_metadata", "raw_app_meta_data")):
                if name in body:
                    await _merge(connection, identifier, column, _mapping(body, name))
            if email:
                await _rename_identity(connection, identifier, email)
            return web.json_response(await _one(connection, identifier))

    async def _delete(self, request: web.Request) -> web.Response:
        identifier, body = _identifier(request.match_info["id"]), await _body(request)
        async with await self._connect() as connection:
            user = await _one(connection, identifier)
            await connection.execute("delete from auth.refresh_tokens where user_id = %s", (identifier,))
            if body.get("should_soft_delete"):
                await connection.execute(_SOFT_DELETE, {"id": identifier, "gone": f"deleted-{identifier}"})
                await connection.execute("delete from auth.sessions where user_id = %s", (identifier,))
                await connection.execute("delete from auth.identities where user_id = %s", (identifier,))
            else:
                await connection.execute("delete from auth.users where id = %s", (identifier,))
        return web.json_response(user if body.get("should_soft_delete") else {})

    async def _credentials(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Columns for the password and the confirmations that a request asks for."""
        columns: dict[str, Any] = {}
        password = _text(body, "password")
        if password is not None:
            if len(password) < MINIMUM_PASSWORD:
                reasons = {"weak_password": {"reasons": ["length"]}}
                message = f"Password should be at least {MINIMUM_PASSWORD} characters."
                raise AdminError(422, "weak_password", message, **reasons)
            columns["encrypted_password"] = await self._hash(password)
        for flag in ("email_confirm", "phone_confirm"):
            if body.get(flag):
                columns[f"{flag}ed_at"] = _NOW
        if body.get("ban_duration", "none") != "none":
            raise AdminError(501, "not_implemented", "The lab cannot ban users: its Auth service would let them in")
        return columns

    async def _connect(self) -> Connection:
        return await psycopg.AsyncConnection.connect(self._conninfo)


class _Expression(str):
    """SQL in the place of a value."""

    __slots__ = ()


_NOW = _Expression("now()")
_SOFT_DELETE = """
    update auth.users set deleted_at = now(), updated_at = now(), email = %(gone)s, phone = null,
      encrypted_password = null, raw_user_meta_data = '{}', raw_app_meta_data = '{}'
    where id = %(id)s
"""


def _guarded(handler: Handler) -> Handler:
    """Only the project's owner comes in; refusals are answered as GoTrue answers them."""

    async def guarded(request: web.Request) -> web.Response:
        caller = request[CALLER]
        try:
            if caller.token is not None or caller.role is not Role.SERVICE:
                raise AdminError(403, "not_admin", "User not allowed")
            return await handler(request)
        except psycopg.errors.UniqueViolation as error:
            return _refusal(_taken(error))
        except psycopg.DataError as error:
            return _refusal(AdminError(400, "validation_failed", str(error).splitlines()[0]))
        except AdminError as error:
            return _refusal(error)

    return guarded


def _refusal(error: AdminError) -> web.Response:
    return web.json_response(
        error.body, status=error.status, headers={"X-Sb-Error-Code": str(error.body["error_code"])}
    )


def _taken(error: psycopg.errors.UniqueViolation) -> AdminError:
    constraint = error.diag.constraint_name or ""
    if "phone" in constraint:
        return AdminError(422, "phone_exists", "A user with this phone number has already been registered")
    if constraint == "users_pkey":
        return AdminError(422, "user_already_exists", "A user with this ID has already been registered")
    return AdminError(422, "email_exists", "A user with this email address has already been registered")


async def _body(request: web.Request) -> dict[str, Any]:
    text = await request.text()
    try:
        body = json.loads(text) if text else {}
    except ValueError as error:
        raise AdminError(400, "bad_json", f"Could not parse request body as JSON: {error}") from error
    if not isinstance(body, dict):
        raise AdminError(400, "bad_json", "Could not parse request body as JSON: not an object")
    return body


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise AdminError(400, "bad_json", f"Could not parse request body as JSON: {name} is not a string")
    return value or None


def _mapping(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise AdminError(400, "bad_json", f"Could not parse request body as JSON: {name} is not an object")
    return value or {}


def _email(body: Mapping[str, Any]) -> str | None:
    email = _text(body, "email")
    if email and not _EMAIL.fullmatch(email):
        raise AdminError(400, "validation_failed", "Unable to validate email address: invalid format")
    return email.lower() if email else None


def _identifier(text: Any) -> str:
    try:
        return str(uuid.UUID(text))
    except (ValueError, TypeError, AttributeError) as error:
        raise AdminError(404, "validation_failed", "user_id must be an UUID") from error


def _positive(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name) or str(default)
    if not (text.isdecimal() and 0 < int(text) < 10**6):
        raise AdminError(400, "validation_failed", f"Bad Pagination Parameters: {name}={text}")
    return int(text)


def _links(request: web.Request, page: int, size: int, total: int) -> str:
    """The header from which clients read the next and the last page."""
    last = max(1, -(-total // size))
    pages = ([("next", page + 1)] if page < last else []) + [("last", last)]
    url = f"{request.path}?per_page={size}"
    return ", ".join(f'<{url}&page={number}>; rel="{name}"' for name, number in pages)


def _identity(user: str, provider: str, body: Mapping[str, Any]) -> dict[str, Any]:
    subject = {"sub": user, "email_verified": bool(body.get("email_confirm")), "phone_verified": False}
    value = _email(body) if provider == "email" else _text(body, "phone")
    data = Jsonb(subject | {provider: value})
    return {"id": str(uuid.uuid4()), "user_id": user, "provider": provider, "provider_id": user, "identity_data": data}


async def _one(connection: Connection, identifier: str) -> dict[str, Any]:
    query = f"select {_USER} from auth.users u where u.id = %s"
    row = await (await connection.execute(query.encode(), (identifier,))).fetchone()
    if row is None:
        raise AdminError(404, "user_not_found", "User not found")
    user: dict[str, Any] = row[0]
    return user


async def _insert(connection: Connection, table: str, columns: Mapping[str, Any]) -> None:
    places = ", ".join(_place(name, value) for name, value in columns.items())
    query = f"insert into auth.{table} ({', '.join(columns)}) values ({places})"
    await connection.execute(query.encode(), columns)


async def _set(connection: Connection, identifier: str, columns: Mapping[str, Any]) -> None:
    places = ", ".join(f"{name} = {_place(name, value)}" for name, value in columns.items())
    query = f"update auth.users set {places + ', ' if places else ''}updated_at = now() where id = %(identifier)s"
    await connection.execute(query.encode(), {**columns, "identifier": identifier})


def _place(name: str, value: Any) -> str:
    return str(value) if isinstance(value, _Expression) else f"%({name})s"


async def _merge(connection: Connection, identifier: str, column: str, data: dict[str, Any]) -> None:
    """Given keys replace, null removes, others stay."""
    query = f"""
        update auth.users set {column} = (coalesce({column}, '{{}}') || %s) - %s::text[] where id = %s
    """
    removed = [name for name, value in data.items() if value is None]
    await connection.execute(query.encode(), (Jsonb(data), removed, identifier))


async def _rename_identity(connection: Connection, identifier: str, email: str) -> None:
    query = """
        update auth.identities set identity_data = identity_data || jsonb_build_object('email', %s::text),
          updated_at = now()
        where user_id = %s and provider = 'email'
    """
    await connection.execute(query, (email, identifier))
