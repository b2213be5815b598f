"""Cutting a stream into HTTP and messages keeps every byte, however the stream was cut before."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from helpers.lab.network.conversation import Conversation
from helpers.lab.network.heads import changed
from helpers.lab.network.splitter import Piece
from helpers.wire.frames import Frame

REQUEST = b"GET /realtime/v1/websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
GRANT = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
HEARTBEAT = b'[null,"1","phoenix","heartbeat",{}]'


def frame(payload: bytes, *, opcode: int = 1, final: bool = True, mask: bytes = b"") -> bytes:
    """A WebSocket frame, written by the book (RFC 6455, section 5.2)."""
    size = len(payload)
    length = (
        bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2) if size < 65_536 else b"\x7f" + size.to_bytes(8)
    )
    head = bytes([(0x80 if final else 0) | opcode, length[0] | (0x80 if mask else 0)]) + length[1:]
    return head + mask + bytes(byte ^ mask[i % 4] if mask else byte for i, byte in enumerate(payload))


def cut(data: bytes, places: list[int]) -> Iterator[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    start = 0
    for end in ends:
        if end > start:
            yield data[start:end]
        start = end


def messages(pieces: list[Piece]) -> list[bytes]:
    return [piece.payload for piece in pieces if piece.payload is not None]


payloads = st.lists(st.binary(max_size=300) | st.just(bytes(70_000)), max_size=6)
places = st.lists(st.integers(0, 500_000), max_size=30)


@given(payloads, places, st.binary(min_size=4, max_size=4) | st.just(b""))
def test_a_granted_stream_is_cut_at_its_messages(contents: list[bytes], where: list[int], mask: bytes) -> None:
    """Whatever the network's own cuts are, the same bytes come out, and the same messages."""
    stream = GRANT + b"".join(frame(content, opcode=2, mask=mask) for content in contents)
    talk = Conversation()
    assert b"".join(piece.raw for piece in talk.to_server(REQUEST)) == REQUEST
    pieces = [piece for part in cut(stream, where) for piece in talk.to_client(part)]
    assert b"".join(piece.raw for piece in pieces) == stream
    assert messages(pieces) == contents
    assert talk.rest_to_client() == b""


@given(payloads, places, st.lists(st.booleans(), min_size=1, max_size=8), st.booleans())
def test_messages_that_nobody_looks_into_need_not_be_whole(
    contents: list[bytes], where: list[int], wholes: list[bool], fragmented: bool
) -> None:
    """They pass as they come, and when somebody looks again, the next whole message is found."""
    frames = [
        frame(content, opcode=0 if fragmented and n else 2, final=not fragmented) for n, content in enumerate(contents)
    ]
    if fragmented and frames:
        frames.append(frame(b"end", opcode=0))
    talk = Conversation()
    list(talk.to_server(REQUEST))
    list(talk.to_client(GRANT))
    parts = list(cut(b"".join(frames), where))
    passed = [piece for n, part in enumerate(parts) for piece in talk.to_client(part, wholes[n % len(wholes)])]
    seen = list(talk.to_client(frame(HEARTBEAT)))
    assert b"".join(piece.raw for piece in passed + seen) == b"".join(frames) + frame(HEARTBEAT)
    assert messages(seen)[-1:] == [HEARTBEAT]


def test_a_message_that_is_not_whole_is_let_go() -> None:
    """What has come of it is passed on at once, when nobody wants to look into it."""
    talk = Conversation()
    list(talk.to_server(REQUEST))
    list(talk.to_client(GRANT))
    large = frame(bytes(10_000))
    assert [piece.raw for piece in talk.to_client(large[:4_000], whole=False)] == [large[:4_000]]
    assert [piece.raw for piece in talk.to_client(large[4_000:], whole=True)] == [large[4_000:]]


@given(st.binary(max_size=400), places)
def test_what_is_not_a_websocket_passes_as_it_is(answer: bytes, where: list[int]) -> None:
    """Any other answer keeps its bytes; what was held back while it might have become a grant comes at the end."""
    talk = Conversation()
    list(talk.to_server(REQUEST))
    passed = b"".join(piece.raw for part in cut(answer, where) for piece in talk.to_client(part))
    assert passed + talk.rest_to_client() == answer


def test_a_connection_that_served_http_may_become_a_websocket() -> None:
    """The grant may be the second answer of its connection."""
    talk = Conversation()
    list(talk.to_server(b"GET /auth/v1/health HTTP/1.1\r\n\r\n"))
    assert [piece.payload for piece in talk.to_client(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")] == [None]
    list(talk.to_server(REQUEST))
    assert messages(list(talk.to_client(GRANT + frame(HEARTBEAT)))) == [HEARTBEAT]
    assert messages(list(talk.to_server(frame(HEARTBEAT, mask=b"mask")))) == [HEARTBEAT]


def test_a_message_in_fragments_is_one_message() -> None:
    """A ping between its fragments goes ahead; nothing is lost."""
    talk = Conversation()
    list(talk.to_server(REQUEST))
    list(talk.to_client(GRANT))
    ping = frame(b"", opcode=9)
    parts = [frame(HEARTBEAT[:5], final=False), ping, frame(HEARTBEAT[5:], opcode=0)]
    pieces = list(talk.to_client(b"".join(parts)))
    assert [piece.raw for piece in pieces] == [ping, parts[0] + parts[2]]
    message = pieces[1].message()
    assert isinstance(message, Frame)
    assert (message.topic, message.event) == ("phoenix", "heartbeat")


def test_what_is_no_message_of_realtime_says_nothing() -> None:
    """Garbage, broken UTF-8 and unknown binary kinds are passed on and match no rule."""
    for payload, text in (
        (b"garbage", True),
        (b"\xff\xfe", True),
        (b"\x63", False),
        (os.urandom(50), False),
        (b"", True),
    ):
        assert Piece(b"", text, payload).message() is None


def test_a_stripped_request_asks_for_no_websocket() -> None:
    """All headers about one hop are gone, the others stay, and the connection ends with the answer."""
    head = changed(REQUEST.replace(b"Host: x", b"Host: x\r\nSec-WebSocket-Key: k"), strip_upgrade=True, host=None)
    assert head.split(b"\r\n")[1:] == [
        b"Host: x",
        b"Sec-WebSocket-Key: k",
        b"Connection: close",
        b"Via: 1.1 proxy",
        b"",
        b"",
    ]


def test_a_request_to_a_named_target_names_it() -> None:
    """An upgrade stays one under the target's own name; any other request is the only one of its connection."""
    upgrade = changed(REQUEST, strip_upgrade=False, host="project.test")
    assert b"Upgrade: websocket\r\n" in upgrade and upgrade.endswith(b"Host: project.test\r\n\r\n")
    plain = changed(
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", strip_upgrade=False, host="project.test"
    )
    assert plain == b"GET / HTTP/1.1\r\nConnection: close\r\nHost: project.test\r\n\r\n"


def test_masks_are_taken_off_at_any_length() -> None:
    """Payloads that are no multiple of four bytes long, too."""
    talk = Conversation()
    list(talk.to_server(REQUEST))
    list(talk.to_client(GRANT))
    chance = random.Random(1)
    contents = [chance.randbytes(size) for size in range(12)]
    stream = b"".join(frame(content, opcode=2, mask=chance.randbytes(4)) for content in contents)
    assert messages(list(talk.to_server(stream))) == contents
