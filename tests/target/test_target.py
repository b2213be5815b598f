"""Which Supabase is looked at, read from variables; and how its secrets are shown."""

from __future__ import annotations

import pytest

from helpers.errors import TargetError
from helpers.target import Target, TargetKind, mask

URL = "https://abcdefghijklmnopqrst.supabase.co"
KEY = "sb_publishable_" + "a" * 24


def read(**variables: str) -> Target:
    return Target.from_env({"SUPABASE_URL": URL, "SUPABASE_PUBLISHABLE_KEY": KEY, **variables})


def test_a_project_is_hosted_and_read_only() -> None:
    """URL and publishable key are enough; nothing is written unless that is asked for."""
    target = read()
    assert (target.kind, target.writes_allowed, target.schema) == (TargetKind.HOSTED, False, "workbook")
    assert target.realtime_url == "wss://abcdefghijklmnopqrst.supabase.co/realtime/v1/websocket"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_loopback_is_the_local_stack(host: str) -> None:
    """An address of this machine is `supabase start`."""
    target = read(SUPABASE_URL=f"http://{host}:54321/")
    assert (target.kind, target.api_url) == (TargetKind.LOCAL, f"http://{host}:54321")


@pytest.mark.parametrize("url", ["", "not a url", "ftp://x.supabase.co", "https://", "https://x:port", "https://[x"])
def test_a_wrong_url_is_refused_with_advice(url: str) -> None:
    """The variable at fault and what to copy from where."""
    with pytest.raises(TargetError, match="SUPABASE_URL") as caught:
        read(SUPABASE_URL=url)
    assert "supabase.co" in caught.value.advice
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("key", ["", "hello", "eyJhbGciOi", "sb_secret_" + "s" * 24, "sbp_" + "t" * 36])
def test_a_wrong_key_is_refused_without_showing_it(key: str) -> None:
    """A key of another kind is named as such; its text is not shown."""
    with pytest.raises(TargetError) as caught:
        read(SUPABASE_PUBLISHABLE_KEY=key)
    assert len(key) < 8 or key not in str(caught.value)


def test_older_names_of_the_keys_work() -> None:
    """`SUPABASE_ANON_KEY` and `SUPABASE_SERVICE_ROLE_KEY` are taken as well."""
    anon = "eyJhbGciOiJIUzI1NiJ9.e30.x"
    target = Target.from_env({"SUPABASE_URL": URL, "SUPABASE_ANON_KEY": anon, "SUPABASE_SERVICE_ROLE_KEY": "s"})
    assert (target.publishable_key, target.secret_key) == (anon, "s")


@pytest.mark.parametrize(("text", "allowed"), [("yes", True), ("TRUE", True), ("1", True), ("no", False), ("", False)])
def test_writing_needs_a_clear_yes(text: str, allowed: bool) -> None:
    """Only yes, true and 1 allow writing."""
    assert read(WORKBOOK_ALLOW_WRITES=text).writes_allowed is allowed


@pytest.mark.parametrize("secret", ["abc", "hunter2", "a rather long password", "sb_secret_" + "s" * 24])
def test_a_mask_tells_kind_and_length_only(secret: str) -> None:
    """Neither a short nor a long secret can be read from its mask."""
    shown = mask(secret)
    assert secret not in shown
    assert secret[-4:] not in shown
    assert f"{len(secret)} characters" in shown


def test_a_target_shows_no_secret() -> None:
    """`repr` and `str` hold the URL and nothing that must be kept."""
    target = read(SUPABASE_SECRET_KEY="sb_secret_hidden", DATABASE_URL="postgresql://u:hidden@h/db")
    assert "hidden" not in f"{target!r} {target}"
    assert KEY not in f"{target!r} {target}"


@pytest.mark.parametrize("url", ["sb_secret_hunter2", "postgresql://postgres:hunter2@h:5432/d", "eyJh.hunter2.x"])
def test_a_secret_in_the_urls_place_is_not_shown(url: str) -> None:
    """Two variables of `.env` are easily swapped."""
    with pytest.raises(TargetError) as caught:
        Target.from_env({"SUPABASE_URL": url, "SUPABASE_PUBLISHABLE_KEY": KEY})
    assert "hunter2" not in str(caught.value)
