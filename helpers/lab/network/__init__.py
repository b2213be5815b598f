"""The network room: what lies between a client and its server, with faults that are set and lifted at will.

    async with network(lab.target, FOUR_G) as via:          # a proxy on loopback
        async with RealtimeClient(via.target) as client:    # whoever uses its target goes through it
            via.set(BLACK_HOLE)                             # conditions change while connections run
            via.cut(Ending.RESET)                           # or connections are taken away

Conditions are plain values (`Conditions`, one `Way` for each direction); `presets` has those of typical networks and
faults. `tls_front` ends TLS in front of a target, with a good certificate or with one that is to be diagnosed.

The floors, from the ground: `rules`, `conditions`, `presets` are data; `splitter`, `conversation`, `heads`, `line` are
judgement without I/O; `pipe` is one direction, `connection` two of them, `front` listens, `network` holds all together.
"""

from __future__ import annotations

from helpers.lab.network.conditions import Answer, Conditions, Ending, Lifetime, Way
from helpers.lab.network.counters import Counters
from helpers.lab.network.front import Family, has_ipv6
from helpers.lab.network.network import Network, network
from helpers.lab.network.presets import (
    BAD_GATEWAY,
    BLACK_HOLE,
    CAPTIVE_PAGE,
    CAPTIVE_REDIRECT,
    DOWN,
    FOUR_G,
    HOME_WIFI,
    HOTEL,
    LOAD_BALANCER,
    OFFICE,
    PERFECT,
    PRESETS,
    PROXY_PASSWORD,
    SATELLITE,
    STRIPPED_UPGRADE,
    THREE_G_TRAIN,
    UNAVAILABLE,
)
from helpers.lab.network.rules import (
    FrameRule,
    broadcasts,
    changes,
    delay,
    drop,
    everything,
    heartbeats,
    named,
    on_topic,
    repeat,
    replies,
    system,
)
from helpers.lab.network.tls import TlsFault, TlsFront, tls_front

__all__ = [
    "BAD_GATEWAY",
    "BLACK_HOLE",
    "CAPTIVE_PAGE",
    "CAPTIVE_REDIRECT",
    "DOWN",
    "FOUR_G",
    "HOME_WIFI",
    "HOTEL",
    "LOAD_BALANCER",
    "OFFICE",
    "PERFECT",
    "PRESETS",
    "PROXY_PASSWORD",
    "SATELLITE",
    "STRIPPED_UPGRADE",
    "THREE_G_TRAIN",
    "UNAVAILABLE",
    "Answer",
    "Conditions",
    "Counters",
    "Ending",
    "Family",
    "FrameRule",
    "Lifetime",
    "Network",
    "TlsFault",
    "TlsFront",
    "Way",
    "broadcasts",
    "changes",
    "delay",
    "drop",
    "everything",
    "has_ipv6",
    "heartbeats",
    "named",
    "network",
    "on_topic",
    "repeat",
    "replies",
    "system",
    "tls_front",
]
