"""What reads a client's words: whatever they are, each reader answers with what it says it answers with."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers.lab.changes import SubscriptionRefused, binding_id
from helpers.lab.changes.bindings import Binding, parse_binding
from helpers.lab.realtime.handshake import Refusal, RequestHead, admit
from helpers.lab.realtime.inbox import Fragments, TooBig, read_binary, read_text
from helpers.lab.realtime.joins import JoinRefused, JoinRequest
from helpers.lab.realtime.replay import check_replay
from helpers.lab.realtime.settings import Secrets
from helpers.lab.realtime.tokens import KeyRing, TokenError
from helpers.wire.filters import FilterError, Operator, check_conditions, parse_conditions
from helpers.wire.frames import BinaryPush, Frame, MalformedFrame, Version, decode, decode_json, encode_json
from tests.thorough import so_many

FEW = settings(max_examples=so_many(100, 1_000), deadline=None)

TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
VERSIONS = st.sampled_from(list(Version))
KEYS = KeyRing(Secrets("a secret that is long enough for HS256", "sb_publishable_x", "sb_secret_x"))


def sections(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with some of these fields, each as it should be or anything else."""
    return st.fixed_dictionaries({}, optional={name: values | VALUES for name, values in fields.items()})


COLUMNS = st.sampled_from(["id", "body", 'a"b', "id::text", "", "not"]) | TEXT
OPERATORS = st.sampled_from([*Operator, "not", "or", "not.eq", "not.in"]) | TEXT
FILTERS = st.lists(
    st.builds("{}={}.{}".format, COLUMNS, OPERATORS, st.sampled_from(["1", "(1,2)", '"a,b"', "(", '"', "null"]) | TEXT),
    max_size=4,
).map(",".join)
BINDINGS = sections(
    event=st.sampled_from(["*", "insert", "UPDATE"]),
    schema=st.sampled_from(["public", "*"]),
    table=st.sampled_from(["notes", "*"]),
    filter=FILTERS,
    select=st.lists(COLUMNS, max_size=3),
    id=st.integers(),
)
CONFIGS = sections(
    broadcast=sections(ack=st.booleans(), self=st.booleans(), replay=sections(since=NUMBERS, limit=NUMBERS)),
    presence=sections(key=TEXT, enabled=st.booleans()),
    private=st.booleans(),
    postgres_changes=st.lists(BINDINGS, max_size=3),
)


@FEW
@given(st.binary(max_size=300) | VALUES.map(lambda value: json.dumps(value).encode()), st.booleans(), VERSIONS)
@example(b"[" * 100_000, True, Version.V2)
@example(b'{"topic":' * 50_000, True, Version.V1)
@example(b'["1","1","t","e",' + b"[" * 100_000 + b"]" * 100_000 + b"]", True, Version.V2)
@example(b'[1e999,null,"t","e",{}]', True, Version.V2)
@example(b'["\\ud800","1","t","e",{}]', True, Version.V2)
@example(b'[null,null,"t","e",' + b"9" * 10_000 + b"]", True, Version.V2)
def test_a_message_is_a_push_or_nothing(data: bytes, text: bool, version: Version) -> None:
    """Whatever bytes come, the server has a message it can handle, or none."""
    message = (read_text if text else read_binary)(data, version)
    assert message is None or isinstance(message, Frame | BinaryPush)


@FEW
@given(st.binary(max_size=300) | TEXT, VERSIONS)
def test_a_decoder_decodes_or_calls_it_malformed(data: bytes | str, version: Version) -> None:
    """Nothing else is raised."""
    with contextlib.suppress(MalformedFrame):
        decode(data, version)


@FEW
@given(st.lists(st.tuples(st.binary(max_size=60), st.booleans(), st.booleans(), st.booleans()), max_size=30))
def test_fragments_hold_no_more_than_their_limit(frames: list[tuple[bytes, bool, bool, bool]]) -> None:
    """In any order of beginnings, middles and ends."""
    fragments = Fragments(100)
    for payload, starts, text, last in frames:
        try:
            whole = fragments.add(payload, starts=starts, text=text, last=last)
        except TooBig:
            return
        assert whole is None or len(whole[0]) <= 100


@FEW
@given(FILTERS | TEXT)
@example("a=in.(" + ",".join("1" * 101) + ")")
@example("a=eq." + '"' * 10_000)
@example("a=eq." + "(" * 10_000)
@example(",".join(["a=not.in.(1,2)"] * 1000))
def test_a_filter_is_conditions_or_an_error(text: str) -> None:
    """Nothing else is raised, and what is read keeps its value."""
    try:
        conditions = parse_conditions(text)
        check_conditions(conditions)
    except FilterError:
        return
    for condition in conditions:
        values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
        assert all(isinstance(value, str) for value in values)
        assert condition.column in text


@FEW
@given(BINDINGS)
def test_a_binding_is_read_or_refused(params: dict[str, Any]) -> None:
    """With a text that can be sent; its id is the same whenever it is asked for."""
    identifier = binding_id(params)
    assert identifier == binding_id(json.loads(json.dumps(params)))
    try:
        binding = parse_binding(params)
    except SubscriptionRefused as refused:
        encode_json(refused.message)
    else:
        assert isinstance(binding, Binding)
        encode_json(str(binding))


@FEW
@given(TEXT.map("realtime:{}".format), VALUES | sections(config=CONFIGS, access_token=TEXT, user_token=TEXT))
def test_a_join_is_read_or_refused(topic: str, payload: Any) -> None:
    """With a reason, and the reply to it can be sent."""
    try:
        request = JoinRequest.parse(topic, decode_json(encode_json(payload)))
        check_replay(request)
    except JoinRefused as refused:
        encode_json(refused.reason)
    else:
        encode_json(request.accepted_bindings)
        assert isinstance(request.presence_key, str)
        assert request.token is None or isinstance(request.token, str)


@FEW
@given(TEXT | st.lists(st.binary(max_size=30).map(lambda part: part.hex()), max_size=4).map(".".join))
def test_a_token_that_nobody_signed_is_refused(token: str) -> None:
    """With a sentence of the server."""
    try:
        KEYS.identify(token)
    except TokenError as error:
        assert error.sentence
        return
    raise AssertionError(token)


@FEW
@given(st.binary(max_size=300) | TEXT.map(lambda text: f"GET /realtime/v1/websocket?{text} HTTP/1.1".encode()))
def test_no_head_opens_a_socket_without_a_key(head: bytes) -> None:
    """It is refused, with an answer that can be sent."""
    try:
        admit(RequestHead.parse(head), KEYS)
    except Refusal as refusal:
        assert refusal.response().startswith(b"HTTP/1.1 4")
        return
    raise AssertionError(head)
