"""The instrument itself: it passes over what is volatile and over nothing else."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest

from helpers.lab.conformance.compare import compare, frames
from helpers.lab.conformance.deliberate import DELIBERATE
from helpers.lab.conformance.plan import LANES
from helpers.lab.conformance.recording import Recording, Row, load, names
from helpers.lab.conformance.run import VERSIONS
from helpers.lab.conformance.tokens import TokenMint
from helpers.lab.conformance.volatile import Names, comparable

ALL = [load(scenario, version) for scenario in names() for version in VERSIONS]
WHOLE = [recording for recording in ALL if not recording.scenario.startswith("rate_limit")]


def rows_of(recording: Recording) -> list[Row]:
    return [dict(row) for row in recording.rows]


@pytest.mark.parametrize("recording", ALL, ids=str)
def test_a_recording_equals_itself(recording: Recording) -> None:
    """No rule makes a difference where there is none."""
    assert compare(recording, recording.rows) == []
    assert frames(recording) > 0


@pytest.mark.parametrize("recording", WHOLE, ids=str)
def test_each_missing_answer_is_told(recording: Recording) -> None:
    """Whichever answer is left out of a replay, of ten in each recording, the comparison says so."""
    rows = rows_of(recording)
    answers = [at for at, row in enumerate(rows) if row["dir"] in ("in", "closed", "open", "handshake-error", "http")]
    some = answers[:: len(answers) // 10 + 1]
    assert all(compare(recording, rows[:at] + rows[at + 1 :]) for at in some)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"status":"ok"', '"status":"error"'),
        ('"Subscribed to PostgreSQL"', '"Subscribed to Postgres"'),
        ("72696871", "72696872"),
        ('"1",null', "null,null"),
    ],
)
def test_a_changed_message_is_told(before: str, after: str) -> None:
    """Texts, ids, states and references are compared as they are."""
    recording = load("leave_close", "v2")
    rows = rows_of(recording)
    changed = next(row for row in rows if row["dir"] == "in" and before in row["data"])
    changed["data"] = changed["data"].replace(before, after)
    assert len(compare(recording, rows)) == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_confirmation_may_come_before_a_close(version: str) -> None:
    """Where the client closed right after a join, its subscription may be confirmed before; elsewhere it may not."""
    recording = load("leave_close", version)
    rows = rows_of(recording)
    confirmed = next(row for row in rows if "Subscribed to PostgreSQL" in row.get("data", ""))
    closing = next(at for at, row in enumerate(rows) if row["dir"] == "close")
    assert compare(recording, [*rows[:closing], confirmed, *rows[closing:]]) == []
    assert len(compare(recording, [*rows[: closing - 1], confirmed, *rows[closing - 1 :]])) == 1


def test_a_quick_refusal_is_told() -> None:
    """One that comes at once, where the genuine server waits for two seconds, is a difference."""
    recording = load("handshake_errors", "v2")
    rows = rows_of(recording)
    refused = next(row for row in rows if row["dir"] == "handshake-error")
    refused["took_ms"] = 3.0
    (difference,) = compare(recording, rows)
    assert "after 2002 ms" in str(difference)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('{"at":"2026-11-22T08:55:13.882Z"}', '{"at": "2027-01-02T03:04:05.1Z"}', True),
        ('{"at":"2024-01-02T03:04:05.678901"}', '{"at":"2024-01-02T03:04:05.678902"}', False),
        ('{"a":1,"b":2}', '{"b":2,"a":1}', True),
        ('{"n":1.50}', '{"n":1.5}', False),
        ('{"phx_ref":"abc"}', '{"phx_ref":"xyz"}', True),
        ('{"phx_ref":"abc","phx_ref_prev":"abc"}', '{"phx_ref":"abc","phx_ref_prev":"xyz"}', False),
        ('["11111111-1111-4111-8111-111111111111"]', '["22222222-2222-4222-8222-222222222222"]', False),
        ('["81111111-1111-4111-8111-111111111111"]', '["92222222-2222-4222-8222-222222222222"]', True),
        ('{"t":"' + "x" * 200_000 + '"}', '{"t":"' + "x" * 300_000 + '"}', False),
    ],
)
def test_rules(one: str, other: str, same: bool) -> None:
    """What differs from run to run is replaced, everything else stays."""
    assert (comparable(one, Names()) == comparable(other, Names())) is same


def test_tokens() -> None:
    """A description gives the token it describes, the same one each time."""
    mint = TokenMint("s" * 32)
    text = mint.fill("<jwt alg=HS256 signature=ok exp=now+60 role=authenticated sub=u>")
    claims: dict[str, Any] = jwt.decode(text, "s" * 32, algorithms=["HS256"])
    assert (claims["role"], claims["sub"]) == ("authenticated", "u")
    assert 58 <= claims["exp"] - time.time() <= 61
    assert mint.fill("<jwt alg=HS256 signature=ok exp=now+60 role=authenticated sub=u>") == text
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(mint.token("alg=HS256 signature=wrong exp=now+60 role=anon"), "s" * 32, algorithms=["HS256"])
    assert mint.token("alg=none signature=none role=anon").endswith(".")


def test_every_scenario_has_its_place() -> None:
    """In exactly one lane; and the list of deliberate differences names none that is not there."""
    assert sorted(scenario for lane in LANES for scenario in lane) == names()
    assert {entry.scenario for entry in DELIBERATE} <= set(names())
