"""Values as Elixir prints them; that it is what the genuine server says is tested with its recordings."""

from __future__ import annotations

import pytest

from helpers.lab.changes.elixir import inspect

X = "x" * 100


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nil"),
        (True, "true"),
        (1.5, "1.5"),
        ('a"b#{c}', '"a\\"b\\#{c}"'),
        ([], "[]"),
        ({}, "%{}"),
        ([("id", "eq", "1", False)], '[{"id", "eq", "1", false}]'),
        ({"b": [1, None], "a": {}}, '%{"a" => %{}, "b" => [1, nil]}'),
    ],
)
def test_a_line(value: object, text: str) -> None:
    """Maps are sorted by their keys."""
    assert inspect(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # 80 bytes are not too wide, 81 are.
        ([X[:36], X[:36]], f'["{X[:36]}", "{X[:36]}"]'),
        ([X[:37], X[:36]], f'["{X[:37]}",\n "{X[:36]}"]'),
        # A string alone has nowhere to be broken.
        ([X], f'["{X}"]'),
        # Strings and the like fill lines; each needs room for its comma, the last one for the bracket.
        ([X[:70], 1, 2, 3, 4, 5], f'["{X[:70]}", 1, 2,\n 3, 4, 5]'),
        # Of other containers each item has a line, and a tuple with nothing in it but strings fills its own.
        ([("a", X[:69], True)], f'[\n  {{"a", "{X[:69]}",\n   true}}\n]'),
        ([("a", X[:60])] * 2, f'[\n  {{"a", "{X[:60]}"}},\n  {{"a", "{X[:60]}"}}\n]'),
        # The comma after a tuple needs room too.
        (
            [(X[:70], X[:71], 1)] * 2,
            f'[\n  {{"{X[:70]}",\n   "{X[:71]}",\n   1}},\n  {{"{X[:70]}",\n   "{X[:71]}", 1}}\n]',
        ),
        # Maps are one item a line; further lines of a value stand under the item, not under the value.
        ({"b": 1, "a": X[:70]}, f'%{{\n  "a" => "{X[:70]}",\n  "b" => 1\n}}'),
        ({"key": [X[:70], "y"]}, f'%{{\n  "key" => ["{X[:70]}",\n   "y"]\n}}'),
        # Widths are in bytes.
        (["ä" * 18, "ä" * 18], f'["{"ä" * 18}", "{"ä" * 18}"]'),
        (["ä" * 19, "ä" * 18], f'["{"ä" * 19}",\n "{"ä" * 18}"]'),
    ],
)
def test_lines(value: object, text: str) -> None:
    """What is wider than 80 bytes is broken."""
    assert inspect(value) == text


def test_what_is_not_shown() -> None:
    """Items after the fiftieth, those of an item counted from there on, and characters after the 4,096th."""
    assert inspect([1] * 51).endswith(" 1, ...]")
    assert inspect([[1, 2, 3]] * 50).endswith("[1, ...],\n  [...]\n]")
    assert inspect([[]] * 60).endswith("[],\n  ...\n]")
    assert inspect("x" * 4097) == f'"{"x" * 4096}" <> ...'
