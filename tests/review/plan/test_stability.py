"""What effects depend on is kept from render to render, with all that it is made of."""

from __future__ import annotations

import pytest

from helpers.review.inventory import Dependency, Effect
from helpers.review.plan.rewriting.refused import Refused
from helpers.review.plan.rewriting.stability import memo_edits
from tests.review.plan.code import at, edited, script

COMPONENT = """\
import { useEffect, useState } from 'react'
import { TABLE } from './names'

export function Panel({ roomId, folder = 'in', ...rest }: Props) {
  const [open, setOpen] = useState(true)
  const made = { a: 1 }
  const query = VALUE
  useEffect(() => {
    supabase.channel('x')
  }, [query])
}
"""


def kept(value: str, text: str = COMPONENT) -> str:
    written = text.replace("VALUE", value)
    effect = Effect(at(written, written[written.index("useEffect(()") : written.index("[query])") + 8]),
                    (Dependency("query", False),), False)  # fmt: skip
    return edited(written, *memo_edits(script(written), effect))


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("{ roomId }", "const query = useMemo(() => ({ roomId }), [roomId])"),
        ("[TABLE, folder]", "const query = useMemo(() => [TABLE, folder], [folder])"),
        ("{ n: Math.max(open, rest.n) }", "const query = useMemo(() => ({ n: Math.max(open, rest.n) }), [open, rest])"),
        ("(row) => setOpen(row.id === roomId)", "useCallback((row) => setOpen(row.id === roomId), [setOpen, roomId])"),
    ],
)
def test_all_that_it_is_made_of_is_named(value: str, line: str) -> None:
    """Props with and without a default, state, and what is left of the props; no imports, globals or parameters."""
    written = kept(value)
    assert line in written
    assert f"useState, {'useCallback' if 'useCallback' in line else 'useMemo'} }} from 'react'" in written


def test_a_hook_that_is_imported_is_not_imported_again() -> None:
    """Only what is missing is added."""
    text = COMPONENT.replace("useState }", "useState, useMemo }")
    assert kept("{ roomId }", text).count("useMemo") == 2


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("{ made }", "each render makes anew"),
        ("{ elsewhere }", "does not show what `elsewhere` is"),
        ("make(roomId)", "not written as an object"),
    ],
)
def test_what_cannot_be_kept_is_left(value: str, reason: str) -> None:
    """A value that is made of others that do not last, or of unknown ones."""
    with pytest.raises(Refused, match=reason):
        kept(value)
