"""The grammar of filters, against what the genuine server said about each recorded one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.wire.filters import Condition, FilterError, Operator, parse_conditions, parse_filter
from tests.wire.recordings import recorded

#: What only the database knows: columns and the values of their types.
DATABASE_ONLY = ("invalid column for filter", "invalid input syntax")


def recorded_verdicts() -> list[tuple[str, str]]:
    """Each filter that was joined with in join_pg_rejected, and the server's message about it."""
    filters: dict[str, str] = {}
    verdicts = []
    for message in recorded("join_pg_rejected.v2.jsonl"):
        _, _, topic, event, payload = json.loads(str(message.data))
        if event == "phx_join":
            for binding in _bindings(payload):
                if isinstance(binding, dict) and "filter" in binding and "table" in binding:
                    filters[topic] = binding["filter"]
        elif event == "system" and topic in filters:
            verdicts.append((filters[topic], payload["message"]))
    return verdicts


def _bindings(payload: object) -> list[object]:
    config = payload.get("config") if isinstance(payload, dict) else None
    bindings = config.get("postgres_changes") if isinstance(config, dict) else None
    return bindings if isinstance(bindings, list) else []


VERDICTS = recorded_verdicts()


def test_the_recordings_hold_filters() -> None:
    """The parametrised test below is not empty."""
    assert len(VERDICTS) >= 15


@pytest.mark.parametrize(("text", "verdict"), VERDICTS, ids=[text[:30] for text, _ in VERDICTS])
def test_the_verdict_is_the_servers(text: str, verdict: str) -> None:
    """What the server took is parsed, what it refused is refused, in its own words."""
    if verdict == "Subscribed to PostgreSQL" or any(piece in verdict for piece in DATABASE_ONLY):
        assert all(isinstance(condition, Condition) for condition in parse_filter(text))
        return
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert verdict.endswith(caught.value.server_says)


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ("room_id=eq.123", [Condition("room_id", Operator.EQ, "123")]),
        ("room_id=not.eq.5", [Condition("room_id", Operator.EQ, "5", negated=True)]),
        ("a=gt.0,b=eq.x", [Condition("a", Operator.GT, "0"), Condition("b", Operator.EQ, "x")]),
        ("a=in.(1,2),b=lt.3", [Condition("a", Operator.IN, "{1,2}"), Condition("b", Operator.LT, "3")]),
        ('a=in.(x,"y,z")', [Condition("a", Operator.IN, '{x,"y,z"}')]),
        ("a=not.in.(1)", [Condition("a", Operator.IN, "{1}", negated=True)]),
        ('body=eq."a,b"', [Condition("body", Operator.EQ, "a,b")]),
        ('body=eq."say \\"hi\\""', [Condition("body", Operator.EQ, 'say "hi"')]),
        ("body=eq.a b", [Condition("body", Operator.EQ, "a b")]),
        ("body=match.^(a|b,c)$", [Condition("body", Operator.MATCH, "^(a|b,c)$")]),
        ("at=gte.2026-01-01T00:00:00.5", [Condition("at", Operator.GTE, "2026-01-01T00:00:00.5")]),
        ("author=is.null", [Condition("author", Operator.IS, "null")]),
        ("a=eq.", [Condition("a", Operator.EQ, "")]),
        ("a=eq.b=c", [Condition("a", Operator.EQ, "b=c")]),
        (" a=eq.1 ,\tb=eq. 2", [Condition("a", Operator.EQ, "1"), Condition("b", Operator.EQ, " 2")]),
        ("a =eq.1", [Condition("a ", Operator.EQ, "1")]),
        ("a=eq.1\x1c", [Condition("a", Operator.EQ, "1\x1c")]),
        ("=eq.1", [Condition("", Operator.EQ, "1")]),
        ('a=eq.b"c,d=eq.e"f', [Condition("a", Operator.EQ, 'b"c'), Condition("d", Operator.EQ, 'e"f')]),
        ('a=eq."b"c', [Condition("a", Operator.EQ, '"b"c')]),
        ('a=eq."b\\c"', [Condition("a", Operator.EQ, "bc")]),
        ('a=in.( 1, "b c" ,"d)")', [Condition("a", Operator.IN, '{ 1, "b c" ,"d)"}')]),
        ("", []),
    ],
)
def test_conditions(text: str, conditions: list[Condition]) -> None:
    """Columns, operators, negation, lists, quotes, dots and equals signs in values."""
    assert list(parse_filter(text)) == conditions


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a=not.foo.1", '["foo", "1"]'),
        ("a=not.eq", '["eq"]'),
        ("a=foo.1.2", '["foo", "1.2"]'),
        (" undefined ", '["undefined"]'),
    ],
)
def test_the_words_of_the_servers_parser(text: str, says: str) -> None:
    """What cannot be parsed is told without `not.` and without white space around it."""
    with pytest.raises(FilterError) as caught:
        parse_conditions(text)
    assert caught.value.server_says == says


@pytest.mark.parametrize(
    ("text", "items"),
    [("()", ()), ("(1,2)", ("1", "2")), ('( a ,"b,c")', ("a", "b,c")), ('("a\\"b")', ('a"b',)), ("(1,)", ("1", ""))],
)
def test_items(text: str, items: tuple[str, ...]) -> None:
    """The values of `in`, without white space and quotes around them."""
    assert parse_conditions(f"a=in.{text}")[0].items == items


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("room_id", "room_id=eq.123"),
        ("eq.1", "no column"),
        ("room_id=equals.1", "no operator 'equals'"),
        ("room_id=eq", "room_id=eq.value"),
        ("a=eq.1,,b=eq.2", "extra comma"),
        ("a=in.1", "parentheses"),
        ("a=is.nil", "`eq.nil`"),
        ("a=in.(" + ",".join("x" * 101) + ")", "101 values"),
    ],
)
def test_an_error_says_how_to_write_it(text: str, words: str) -> None:
    """The message names the mistake and the way out."""
    with pytest.raises(FilterError, match=words.replace("(", r"\(")):
        parse_filter(text)


def test_the_limits_are_the_databases_not_the_parsers() -> None:
    """A server's parser takes 101 values; its database refuses them later."""
    text = "a=in.(" + ",".join(map(str, range(101))) + ")"
    assert len(parse_conditions(text)[0].items) == 101


@given(st.text(alphabet='ab=.,()"\\notinequls1'))
def test_any_text_is_conditions_or_a_filter_error(text: str) -> None:
    """No filter makes the parser fail in another way, and each error has both texts."""
    try:
        conditions = parse_filter(text)
    except FilterError as error:
        assert error.message and error.server_says
    else:
        assert all(isinstance(condition.value, str) for condition in conditions)


@given(
    st.text(alphabet=st.characters(exclude_characters='"\\')),
    st.sampled_from([o for o in Operator if o not in ("in", "is")]),
)
def test_a_quoted_value_is_any_text(value: str, operator: Operator) -> None:
    """Inside quotes commas and parentheses mean themselves."""
    assert parse_filter(f'a={operator}."{value}"') == (Condition("a", operator, value),)
