"""Networks that users sit in, and faults that happen to them, each as a `Conditions` value.

Where the numbers of the networks come from:

- **home Wi-Fi, 4G, 3G**: WebPageTest's connectivity profiles "Cable" (5 / 1 Mbit/s, 28 ms), "LTE" (12 / 12 Mbit/s,
  70 ms) and "3G" (1.6 Mbit/s / 768 kbit/s, 300 ms); the **office** is its "FIOS" (20 / 5 Mbit/s, 4 ms):
  WPO-Foundation/webpagetest, `www/settings/connectivity.ini.sample`.
- **satellite**: the round trip over a geostationary satellite is 558 ms for stations at the edge of its view
  (RFC 2488, section 2).
- **load balancer**: Elastic Load Balancing closes a connection after 60 s without a byte, by default
  (docs.aws.amazon.com, "Edit attributes for your Application Load Balancer"); so does nginx (`proxy_read_timeout`).
- **a stall for a loss**: 200 ms, the least retransmission timeout of Linux (TCP_RTO_MIN in include/net/tcp.h), plus a
  round trip.

Jitter, loss, the satellite's bandwidth and all of the hotel are *assumptions* of ours: no published profile has them.
They are chosen to be noticed and not to be hopeless; replace them by what you measure (`dataclasses.replace`).
"""

from __future__ import annotations

from dataclasses import replace

from helpers.lab.network.conditions import Answer, Conditions, Ending, Lifetime, Way

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
]

PERFECT = Conditions(name="no network")

OFFICE = Conditions.link("office", rtt_ms=4, jitter_ms=1, down_kbit_per_s=20_000, up_kbit_per_s=5_000)
HOME_WIFI = Conditions.link(
    "home Wi-Fi", rtt_ms=28, jitter_ms=10, down_kbit_per_s=5_000, up_kbit_per_s=1_000, loss=0.001
)
FOUR_G = Conditions.link("4G", rtt_ms=70, jitter_ms=30, down_kbit_per_s=12_000, up_kbit_per_s=12_000, loss=0.005)
THREE_G_TRAIN = Conditions.link(
    "3G train", rtt_ms=300, jitter_ms=150, down_kbit_per_s=1_600, up_kbit_per_s=768, loss=0.05
)
HOTEL = replace(
    Conditions.link("hotel", rtt_ms=100, jitter_ms=100, down_kbit_per_s=2_000, up_kbit_per_s=500, loss=0.02),
    lifetime=Lifetime(idle_s=300, ending=Ending.SERVER_GONE),  # its router forgets, and tells nobody
)
SATELLITE = Conditions.link(
    "satellite", rtt_ms=558, jitter_ms=40, down_kbit_per_s=10_000, up_kbit_per_s=1_000, loss=0.005
)
LOAD_BALANCER = Conditions(name="load balancer, 60 s idle", lifetime=Lifetime(idle_s=60, ending=Ending.CLOSE))

#: The networks by name, from the best to the worst, and the load balancer.
PRESETS = {
    preset.name: preset
    for preset in (PERFECT, OFFICE, HOME_WIFI, FOUR_G, HOTEL, THREE_G_TRAIN, SATELLITE, LOAD_BALANCER)
}

BLACK_HOLE = Conditions(name="black hole", to_server=Way(held=True), to_client=Way(held=True))
DOWN = Conditions(name="down", refuses=True)
STRIPPED_UPGRADE = Conditions(name="proxy that strips Upgrade", strips_upgrade=True)

_HTML = ("Content-Type", "text/html; charset=utf-8")
_LOGIN = "<!DOCTYPE html><title>Welcome</title><h1>Welcome to our Wi-Fi</h1><form><button>Accept</button></form>"
PROXY_PASSWORD = Conditions(
    name="proxy that asks for a password",
    answer=Answer(
        status="407 Proxy Authentication Required",
        headers=(("Server", "squid/6.13"), ("Proxy-Authenticate", 'Basic realm="proxy"'), _HTML),
        body="<h1>Cache Access Denied</h1>",
    ),
)
CAPTIVE_PAGE = Conditions(name="captive page", answer=Answer(status="200 OK", headers=(_HTML,), body=_LOGIN))
CAPTIVE_REDIRECT = Conditions(
    name="captive redirect",
    answer=Answer(status="302 Found", headers=(("Location", "http://wifi.hotel.test/login"), _HTML), body=_LOGIN),
)
BAD_GATEWAY = Conditions(
    name="gateway answers 502",
    answer=Answer(
        status="502 Bad Gateway", headers=(("Server", "nginx"), _HTML), body="<center><h1>502 Bad Gateway</h1></center>"
    ),
)
UNAVAILABLE = Conditions(
    name="gateway answers 503",
    answer=Answer(
        status="503 Service Unavailable",
        headers=(("Server", "nginx"), ("Retry-After", "30"), _HTML),
        body="<center><h1>503 Service Temporarily Unavailable</h1></center>",
    ),
)
