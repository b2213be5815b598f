"""What a network does to a connection, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from helpers.errors import SettingsError
from helpers.lab.network.rules import FrameRule

__all__ = ["Answer", "Conditions", "Ending", "Lifetime", "Way"]

#: The least time after which Linux sends a lost segment again (TCP_RTO_MIN in include/net/tcp.h).
RETRANSMISSION_MS = 200.0


class Ending(StrEnum):
    """How a connection ends that the network takes away."""

    RESET = "reset"  # both ends are sent a RST
    CLOSE = "close"  # both ends are sent a FIN, as a proxy that closes an idle connection does
    SERVER_GONE = "server gone"  # half-open: the server has left, and the client is not told
    CLIENT_GONE = "client gone"  # half-open: the client has left, and the server is not told


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One direction of a connection. The order of bytes is always kept: it is TCP that is modelled, not packets.

    Attributes:
        latency_ms: time of travel, one way.
        jitter_ms: at most so much more, uniformly distributed, drawn for each message.
        kbit_per_s: bandwidth; None for as much as the machine gives.
        loss: share of segments (of 1,460 bytes) that is lost. TCP loses nothing: what was lost is sent again, and all
            that comes after waits for it, so that each loss is a stall of `stall_ms`.
        stall_ms: how long a loss holds up the stream.
        slice_bytes: write at most so many bytes at a time.
        slice_pause_ms: and wait so long between two writes.
        held: nothing gets through. TCP sends it again when the way is free, so lifting this delivers what waited.
        frames: what to do with WebSocket messages of a kind; the first rule that matches counts.
    """

    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    kbit_per_s: float | None = None
    loss: float = 0.0
    stall_ms: float = RETRANSMISSION_MS
    slice_bytes: int | None = None
    slice_pause_ms: float = 0.0
    held: bool = False
    frames: tuple[FrameRule, ...] = ()

    def __post_init__(self) -> None:
        _check_numbers(self)
        if self.loss >= 1:
            raise _wrong("loss", self.loss, "Give a share below 1, such as 0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetime:
    """When the network takes a connection away, and how.

    Attributes:
        idle_s: after so long without a byte in either direction; None for never.
        age_s: so long after it was accepted; None for never.
        ending: how.
    """

    idle_s: float | None = None
    age_s: float | None = None
    ending: Ending = Ending.CLOSE

    def __post_init__(self) -> None:
        _check_numbers(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What something in between answers to every HTTP request, in the server's place."""

    status: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""

    def encode(self) -> bytes:
        """The whole response; the connection is closed after it."""
        body = self.body.encode()
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {value}" for name, value in self.headers)]
        lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
        return "\r\n".join(lines).encode() + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """All that a network does. The default does nothing.

    Attributes:
        name: for tables and pictures.
        to_server, to_client: the two directions.
        lifetime: when connections are taken away.
        close_delay_ms: so much later than usual is a FIN passed on.
        refuses: connections are refused, and those that are open are reset: the server is down.
        answer: something in between answers instead of the server, as soon as it has read a request's head.
        strips_upgrade: a proxy in between passes requests on without `Upgrade`, as one does that knows only HTTP.
    """

    name: str = "custom"
    to_server: Way = field(default_factory=Way)
    to_client: Way = field(default_factory=Way)
    lifetime: Lifetime = field(default_factory=Lifetime)
    close_delay_ms: float = 0.0
    refuses: bool = False
    answer: Answer | None = None
    strips_upgrade: bool = False

    def __post_init__(self) -> None:
        _check_numbers(self)

    @classmethod
    def link(
        cls,
        name: str,
        *,
        rtt_ms: float,
        jitter_ms: float = 0.0,
        down_kbit_per_s: float | None = None,
        up_kbit_per_s: float | None = None,
        loss: float = 0.0,
    ) -> Conditions:
        """An access network as its vendors describe it: round trip, bandwidth down and up.

        Half of the round trip, and of its jitter, is spent in each direction. A loss costs a retransmission's timeout:
        a round trip more than the least one.
        """
        stall_ms = RETRANSMISSION_MS + rtt_ms
        shared: dict[str, Any] = {"latency_ms": rtt_ms / 2, "jitter_ms": jitter_ms / 2, "loss": loss}
        return cls(
            name=name,
            to_server=Way(kbit_per_s=up_kbit_per_s, stall_ms=stall_ms, **shared),
            to_client=Way(kbit_per_s=down_kbit_per_s, stall_ms=stall_ms, **shared),
        )

    @property
    def rtt_ms(self) -> float:
        """The least round trip."""
        return self.to_server.latency_ms + self.to_client.latency_ms

    @property
    def reads_frames(self) -> bool:
        """Whether it has to look into WebSocket messages."""
        return bool(self.to_server.frames or self.to_client.frames)

    def __str__(self) -> str:
        return self.name


def _check_numbers(settings: Any) -> None:
    """No number is negative, and none that divides is zero."""
    positive = ("kbit_per_s", "slice_bytes")
    for item in fields(settings):
        value = getattr(settings, item.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        if not value >= 0 or (value == 0 and item.name in positive):
            raise _wrong(item.name, value, "Give a positive number")


def _wrong(name: str, value: object, advice: str) -> SettingsError:
    return SettingsError("setting the conditions of a network", f"{name}={value!r} cannot be", advice)
