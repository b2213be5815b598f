"""Accounts and rows through the official Python client, unmodified, with both generations of keys."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import supabase
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

from helpers.lab import Lab

#: What the official client says of itself.
pytestmark = pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")

PASSWORD = "correct horse"

client_key = pytest.mark.parametrize("key", ["publishable_key", "anon_key"])
server_key = pytest.mark.parametrize("key", ["secret_key", "service_role_key"])


@client_key
def test_synchronous_client(lab: Lab, notes: str, email: str, key: str) -> None:
    """The synchronous client signs up, in and out, refreshes, changes its password and sees only its own rows."""
    client = supabase.create_client(lab.info["api_url"], lab.info[key])
    made = client.auth.sign_up({"email": email, "password": PASSWORD, "options": {"data": {"name": "Ada"}}})
    assert made.user is not None
    assert made.user.user_metadata["name"] == "Ada"
    assert isinstance(made.user.created_at, datetime.datetime)
    client.table(notes).insert({"room": 1, "body": "mine"}).execute()
    assert client.auth.refresh_session().session is not None
    assert client.auth.update_user({"password": "another horse"}).user is not None
    client.auth.sign_out()
    with pytest.raises(AuthApiError, match="Invalid login credentials"):
        client.auth.sign_in_with_password({"email": email, "password": PASSWORD})
    client.auth.sign_in_with_password({"email": email, "password": "another horse"})
    assert [row["body"] for row in client.table(notes).select("*").execute().data] == ["mine"]
    stranger = supabase.create_client(lab.info["api_url"], lab.info[key])
    stranger.auth.sign_up({"email": f"other-{email}", "password": PASSWORD})
    assert stranger.table(notes).select("*").execute().data == []


@server_key
def test_admin_creates_a_user_who_signs_in(lab: Lab, email: str, key: str) -> None:
    """A user made by the admin API signs in with the given password and has the given metadata."""
    admin = supabase.create_client(lab.info["api_url"], lab.info[key]).auth.admin
    metadata: Any = {"user_metadata": {"name": "Grace"}, "app_metadata": {"plan": "pro"}}
    made = admin.create_user({"email": email, "password": PASSWORD, "email_confirm": True, **metadata}).user
    client = supabase.create_client(lab.info["api_url"], lab.info["publishable_key"])
    user = client.auth.sign_in_with_password({"email": email, "password": PASSWORD}).user
    assert user is not None
    assert user.id == made.id
    assert user.user_metadata["name"] == "Grace"
    assert user.app_metadata == {"plan": "pro", "provider": "email", "providers": ["email"]}
    assert admin.get_user_by_id(made.id).user.last_sign_in_at is not None


def test_admin_updates_and_deletes(lab: Lab, email: str) -> None:
    """The admin API changes email, password and metadata, where null removes a name; a deleted user is gone."""
    admin = supabase.create_client(lab.info["api_url"], lab.info["secret_key"]).auth.admin
    made = admin.create_user(
        {"email": email, "password": PASSWORD, "email_confirm": True, "user_metadata": {"a": 1, "b": 2}}
    ).user
    changes: Any = {"email": f"new-{email}", "password": "another horse", "user_metadata": {"a": None, "c": 3}}
    changed = admin.update_user_by_id(made.id, changes).user
    assert changed.email == f"new-{email}"
    assert changed.user_metadata == {"b": 2, "c": 3}
    client = supabase.create_client(lab.info["api_url"], lab.info["publishable_key"])
    client.auth.sign_in_with_password({"email": f"new-{email}", "password": "another horse"})
    admin.delete_user(made.id)
    with pytest.raises(AuthApiError, match="User not found"):
        admin.get_user_by_id(made.id)
    with pytest.raises(AuthApiError):
        client.auth.refresh_session()


def test_admin_lists_page_by_page(lab: Lab, email: str) -> None:
    """Pages of the list hold every user once, the newest first."""
    admin = supabase.create_client(lab.info["api_url"], lab.info["secret_key"]).auth.admin
    made = [admin.create_user({"email": f"{number}-{email}"}).user.id for number in range(5)]
    pages = [admin.list_users(page=page, per_page=2) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [2, 2, 2]
    assert [user.id for page in pages for user in page][:5] == made[::-1]


def test_admin_refusals(lab: Lab, email: str) -> None:
    """The admin API refuses an address that is taken, a weak password, a bad address, and whoever is not the owner."""
    admin = supabase.create_client(lab.info["api_url"], lab.info["secret_key"]).auth.admin
    admin.create_user({"email": email, "password": PASSWORD})
    with pytest.raises(AuthApiError, match="already been registered") as taken:
        admin.create_user({"email": email.upper(), "password": PASSWORD})
    assert (taken.value.status, taken.value.code) == (422, "email_exists")
    with pytest.raises(AuthWeakPasswordError):
        admin.create_user({"email": f"weak-{email}", "password": "12345"})
    with pytest.raises(AuthApiError, match="invalid format"):
        admin.create_user({"email": "nobody", "password": PASSWORD})
    with pytest.raises(AuthApiError, match="either an email or phone"):
        admin.create_user({"password": PASSWORD})
    with pytest.raises(AuthApiError, match="cannot ban"):
        admin.create_user({"email": f"banned-{email}", "ban_duration": "24h"})
    stranger = supabase.create_client(lab.info["api_url"], lab.info["publishable_key"])
    with pytest.raises(AuthApiError, match="User not allowed"):
        stranger.auth.admin.list_users()
