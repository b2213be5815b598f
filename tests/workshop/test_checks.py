"""What one should see is an error where it is not so in the lab, and a note on a project of the reader's own."""

from __future__ import annotations

import pytest

from helpers.errors import RunError
from helpers.target import Target, TargetKind
from helpers.workshop import expect

LAB = Target(TargetKind.LAB, "http://127.0.0.1:1", "key")
PROJECT = Target(TargetKind.HOSTED, "https://abcdefghijklmnopqrst.supabase.co", "key")


def nothing_there() -> bool:
    """As a lambda that reads what was skipped."""
    raise AttributeError("lost")


@pytest.mark.parametrize("target", [LAB, PROJECT], ids=["lab", "project"])
def test_what_is_as_told_is_said(target: Target, capsys: pytest.CaptureFixture[str]) -> None:
    """A reader sees which claim was looked at."""
    expect(target, "nothing is lost", lambda: True, "Look again")
    assert capsys.readouterr().out == "✓ nothing is lost\n"


def test_in_the_lab_another_result_is_an_error() -> None:
    """It names the claim and says where to look; IPython shows it without a stack trace."""
    with pytest.raises(RunError) as caught:
        expect(LAB, "nothing is lost", lambda: False, "Look at the notes")
    assert str(caught.value) == (
        "While checking that nothing is lost: in this run it is not so.\nWhat to do: Look at the notes."
    )
    with pytest.raises(AttributeError):
        expect(LAB, "nothing is lost", nothing_there, "Look at the notes")


def test_on_a_project_another_result_is_a_note(capsys: pytest.CaptureFixture[str]) -> None:
    """A slow network or a policy of one's own is no fault of the reader's."""
    expect(PROJECT, "nothing is lost", lambda: False, "Look at the notes")
    assert "it is not so that nothing is lost. Look at the notes." in capsys.readouterr().out


def test_on_a_project_what_was_skipped_is_not_checked(capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing may be written, there are no numbers to look at."""
    expect(PROJECT, "nothing is lost", nothing_there, "Look at the notes")
    assert capsys.readouterr().out == "Not checked on your project: nothing is lost.\n"
