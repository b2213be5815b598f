"""What a notebook says that one should see, asked of what was seen.

The lab behaves the same everywhere, so there a claim that does not hold is an error, for a reader as for the tests. A
project of the reader's own may differ in everything: there it is a note.
"""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Console

from helpers.errors import RunError
from helpers.target import Target, TargetKind

__all__ = ["expect"]


def expect(target: Target, what: str, seen: Callable[[], bool], hint: str) -> None:
    """Say whether something is as the notebook tells.

    Args:
        what: the claim, as the end of "one should see that …".
        seen: looks at this run's results. It is called here, so that it may fail where there are none.
        hint: where to look if it is not so, one imperative sentence without a trailing full stop.

    Raises:
        RunError: it is not so, and the target is the lab.
    """
    if target.kind is TargetKind.LAB and not seen():
        raise RunError(f"checking that {what}", "in this run it is not so", hint)
    said = f"✓ {what}" if target.kind is TargetKind.LAB else _on_a_project(what, seen, hint)
    Console(highlight=False, markup=False).print(said, soft_wrap=True)


def _on_a_project(what: str, seen: Callable[[], bool], hint: str) -> str:
    try:
        return f"✓ {what}" if seen() else f"On your project it is not so that {what}. {hint}."
    except Exception:  # a part that this project does not allow was skipped, so that there is nothing to look at
        return f"Not checked on your project: {what}."
