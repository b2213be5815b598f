"""Why a change is not made."""

from __future__ import annotations

__all__ = ["Refused"]


class Refused(Exception):  # noqa: N818 - it is an answer as well
    """The code does not show that an edit keeps the behaviour; the text says what is missing, as a sentence's end."""
