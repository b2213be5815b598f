"""What went through a network."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Counters"]


@dataclass(slots=True)
class Counters:
    """Grows while the network is open.

    Attributes:
        connections: accepted so far.
        answered: of these, given an answer in the server's place.
        unreachable: of these, ended because the target did not accept.
        taken: of these, taken away by the network (idle, aged, cut).
        bytes_to_server, bytes_to_client: that were passed on.
        messages: WebSocket messages that were looked into, for a rule's sake.
        dropped, delayed, repeated: of these, by a rule.
        stalls: losses.
    """

    connections: int = 0
    answered: int = 0
    unreachable: int = 0
    taken: int = 0
    bytes_to_server: int = 0
    bytes_to_client: int = 0
    messages: int = 0
    dropped: int = 0
    delayed: int = 0
    repeated: int = 0
    stalls: int = 0
