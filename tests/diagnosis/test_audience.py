"""Who would be told of a change, listener by listener."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.diagnosis import who_would_hear
from helpers.target import Target

MEMBER = {"role": "authenticated", "sub": "00000001-0000-4000-8000-000000000001"}
STRANGER = {"role": "authenticated", "sub": "99999999-0000-4000-8000-000000000009"}
LISTENERS = {"member": MEMBER, "stranger": STRANGER, "nobody": None}


async def test_policies_decide_about_rows_and_not_about_deletes(patient: Target) -> None:
    """A member hears of its room's messages, a stranger only that one was deleted."""
    audience = await who_would_hear(patient, "messages", LISTENERS, row={"id": 1})
    told = {(each.listener, each.event): each.told for each in audience.heard}
    assert told["member", "UPDATE"] is True
    assert told["stranger", "UPDATE"] is False
    assert told["stranger", "DELETE"] is True
    assert len(audience.heard) == 9


async def test_it_shows_itself(patient: Target) -> None:
    """A row for each listener, as text, frame and page."""
    audience = await who_would_hear(patient, "messages", LISTENERS, events=["UPDATE"], row={"id": 1})
    assert list(audience.to_frame().index) == list(LISTENERS)
    assert "✗ row level security hides the row" in str(audience)
    assert "stranger" in audience._repr_html_()


async def test_what_cannot_be_asked_is_said(patient: Target) -> None:
    """An unknown table withholds; a row that does not fit, or no database, is told in words."""
    unknown = await who_would_hear(patient, "nosuch", {"nobody": None}, events=["INSERT"])
    assert (unknown.heard[0].told, unknown.heard[0].because) == (False, "there is no such table")
    unfit = await who_would_hear(patient, "messages", {"nobody": None}, events=["INSERT"], row={"nosuch": 1})
    assert unfit.heard[0].told is None
    assert "nosuch" in unfit.heard[0].because
    without = await who_would_hear(replace(patient, database_url=None), "messages", LISTENERS)
    assert "DATABASE_URL" in str(without)


@pytest.mark.parametrize("html", [True, False])
async def test_names_are_text(patient: Target, html: bool) -> None:
    """What the caller calls a listener is shown, not run."""
    audience = await who_would_hear(patient, "messages", {"<b>x</b>": None}, events=["DELETE"], row={"id": 1})
    shown = audience._repr_html_() if html else str(audience)
    assert ("<b>" in shown) != html
