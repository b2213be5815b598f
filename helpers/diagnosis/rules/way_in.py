"""Rules about the way in: name, addresses, port, who answers, time to connect."""

from __future__ import annotations

import ipaddress
import re

from helpers.diagnosis.evidence import Address, Connection, Missing, Services
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning
from helpers.diagnosis.rules.sentences import ANSWERS

__all__ = ["RULES"]

#: The specification's target for the initial connection.
CONNECT_TARGET_MS = 100
COPY_URL = "Set SUPABASE_URL in .env to the Project URL (Settings, Data API): https://<project>.supabase.co"
SERVER_CODES = "https://github.com/supabase/realtime/blob/main/ERROR_CODES.md"
TROUBLESHOOTING = "https://supabase.com/docs/guides/realtime/troubleshooting"
NO_SOCKET = "The socket never opens: CHANNEL_ERROR or TIMED_OUT on every channel, and REST does not work either."
REOPENED = "Diagnose again: the step has a time, and the next one is tried."
ANSWER_IDS = tuple(answer.id for answer in ANSWERS)
#: What pages say that want a person to do something before they let anybody through.
PORTAL_WORDS = re.compile(r"wi-?fi|captive|hotspot|log ?in|sign ?in|accept|terms|welcome|portal", re.IGNORECASE)
HOSTED = (".supabase.co", ".supabase.in")


@rule(
    "The host's name has an address",
    needs.after(),
    "https://supabase.com/docs/guides/platform/network-restrictions",
    symptom=NO_SOCKET,
    remedy="Copy the Project URL again; check the network, VPN and resolver of this machine.",
    verify=REOPENED,
)
def host_found(connection: Connection) -> Verdict:
    """A misspelt URL, a deleted project (its name goes with it), or a machine without working DNS."""
    step = connection.step("DNS")
    if not step.fault:
        return ok(f"{connection.host} is {step.detail}, found in {step.took_ms:.1f} ms")
    if step.fault == "timeout":
        cause = f"The resolver did not answer for {connection.host}: this machine has no working DNS"
        return failure(step.detail, cause, "Check the network, VPN and resolver of this machine")
    cause = f"There is no host {connection.host}: the URL is misspelt, or the project was deleted, or DNS is down"
    return failure(f"{connection.host}: {step.detail}", cause, COPY_URL)


@rule(
    "The port accepts connections",
    needs.after("DNS"),
    TROUBLESHOOTING,
    symptom=NO_SOCKET,
    remedy="Start the local stack, correct the port, or allow outgoing TCP to port 443.",
    verify=REOPENED,
)
def port_open(connection: Connection) -> Verdict:
    """Nothing listens there, or a firewall lets nothing through; the first refuses at once, the second is silent."""
    step = connection.step("TCP")
    where = f"{connection.host} port {connection.port}"
    if not step.fault:
        return ok(f"connected to {step.detail} in {step.took_ms:.1f} ms")
    tried = ", ".join(f"{address.address}: {address.fault or 'not tried'}" for address in connection.addresses)
    if step.fault == "refused":
        cause = f"Nothing listens at {where}: Supabase is not running there, or the port is wrong"
        return failure(tried, cause, f"Start it (`supabase start`), or correct the port. {COPY_URL}")
    cause = f"{where} cannot be reached from here: a firewall, a VPN or the network is in the way"
    return failure(tried, cause, f"Try from another network, and allow outgoing TCP to port {connection.port}")


@rule(
    "IPv4 and IPv6 both lead there",
    needs.addresses,
    "https://www.rfc-editor.org/rfc/rfc8305",
    symptom="Connecting works, but takes a quarter of a second to minutes, or works in one program and not in another.",
    remedy="Mend the family that fails, or take its address out of the name; use an address of the one that works.",
    verify="Diagnose again: all addresses accept.",
    follows=("port_open",),
)
def both_families(seen: tuple[Connection, tuple[Address, ...]]) -> Verdict:
    """A name with addresses of two families is tried in an order that the client chooses. Browsers go on to the other
    family after 250 ms; Node before version 20, and many libraries, wait for the first one to fail."""
    connection, addresses = seen
    broken = [each for each in addresses if each.fault and not each.here]
    tried = ", ".join(f"{each.address} {each.fault or 'accepts'} ({each.took_ms:.0f} ms)" for each in addresses)
    if not broken or len(broken) == len(addresses):
        return ok(tried)
    works = next(each for each in addresses if not each.fault) if any(not each.fault for each in addresses) else None
    if works is None:
        return ok(tried)
    families = " and ".join(sorted({each.family for each in broken}))
    cause = f"{connection.host} has an address that does not answer ({families}: {listed(_texts(broken))})"
    return warning(tried, cause, _other_family(connection, works, families))


def _texts(addresses: list[Address]) -> list[str]:
    return [address.address for address in addresses]


def _other_family(connection: Connection, works: Address, families: str) -> str:
    if connection.host == "localhost":
        shown = f"[{works.address}]" if works.family == "IPv6" else works.address
        scheme = "https" if connection.secure else "http"
        return f"SUPABASE_URL={scheme}://{shown}:{connection.port}"
    return f"Mend {families} on the way to {connection.host} (router, VPN), or switch it off on this machine"


@rule(
    "An answer comes",
    needs.after("DNS", "TCP", "TLS"),
    TROUBLESHOOTING,
    symptom="TIMED_OUT on every channel after ten seconds, and REST hangs too.",
    remedy="Look for a firewall, a security proxy or a stuck server between here and the host.",
    verify=REOPENED,
)
def answer_comes(connection: Connection) -> Verdict:
    """Something accepts the connection and swallows all that is sent on it: a firewall that looks into connections, a
    load balancer without a server behind it, a process that hangs."""
    step = connection.step("HTTP upgrade")
    if step.fault != "timeout":
        return ok("the request was answered" if connection.reached else "the connection was not left open")
    cause = (
        f"{connection.host} port {connection.port} accepts connections and never answers: a black hole on the way, "
        "or a server that is stuck"
    )
    return failure(step.detail, cause, f"Try from another network, look whether a firewall swallows it. {COPY_URL}")


@rule(
    "No proxy asks for a password",
    needs.reached,
    "https://www.rfc-editor.org/rfc/rfc9110#name-407-proxy-authentication-re",
    symptom="Nothing works in the office, all works at home.",
    remedy="Tell the client the proxy with user and password, or have the host let through without.",
    verify=REOPENED,
)
def proxy_lets_through(reached: tuple[Connection, Services | Missing]) -> Verdict:
    """A company's proxy wants to know who goes out before it passes anything on."""
    connection, _ = reached
    if connection.status != 407:
        return ok("none does")
    cause = f"A proxy on the way asks for a password ({_answerer(connection)})"
    fix = f"HTTPS_PROXY=http://<user>:<password>@<proxy>:<port>, or have {connection.host} let through without"
    return failure(f"HTTP 407, {connection.header('proxy-authenticate')}", cause, fix)


@rule(
    "No page stands in the way",
    needs.reached,
    "https://www.rfc-editor.org/rfc/rfc8910",
    symptom="Nothing works on this network until a browser has shown a page and somebody has clicked.",
    remedy="Open any http:// page in a browser and accept what it asks for.",
    verify=REOPENED,
)
def no_captive_portal(reached: tuple[Connection, Services | Missing]) -> Verdict:
    """Hotels, trains and airports answer every request with their own page, until a person has accepted their terms."""
    connection, services = reached
    place = connection.header("location")
    if _is_supabase(services) or not _is_portal(connection):
        return ok("the answer is not a page of the network's own")
    seen = f"HTTP {connection.status}" + (f" to {place}" if place else "") + f", {_answerer(connection)}"
    cause = "A page of the network stands in the way (a captive portal): it answers in the place of Supabase"
    return failure(seen, cause, f"Open {place or 'http://neverssl.com'} in a browser on this machine and accept it")


def _is_portal(connection: Connection) -> bool:
    if connection.status == 511:
        return True
    place = connection.header("location")
    if connection.status in (301, 302, 303, 307, 308):
        return bool(place) and connection.host not in place
    page = "html" in connection.header("content-type")
    words = PORTAL_WORDS.search(connection.body) is not None
    return connection.status == 200 and page and (words or connection.host.endswith(HOSTED))


@rule(
    "The upgrade gets through",
    needs.reached,
    "https://nginx.org/en/docs/http/websocket.html",
    symptom="REST works, and no channel ever does: the socket is refused with 400 or 426.",
    remedy="Have the proxy pass Upgrade and Connection on, by HTTP/1.1; or use TLS, into which it cannot look.",
    verify="Diagnose again: the upgrade is answered with 101.",
)
def upgrade_passed(reached: tuple[Connection, Services | Missing]) -> Verdict:
    """`Upgrade` is a header of one hop: a proxy that knows only HTTP leaves it out, and what arrives at Realtime is an
    ordinary request, which it cannot answer with a WebSocket."""
    connection, _ = reached
    if not _is_stripped(connection):
        return ok(f"HTTP {connection.status} is not the answer to a request without Upgrade")
    cause = f"A proxy on the way strips the header Upgrade, so that no WebSocket can open ({_answerer(connection)})"
    fix = f"""\
# nginx, in the location that leads to {connection.host}:
proxy_http_version 1.1;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection "upgrade";
# a company's proxy: let {connection.host} through without looking into it, and use https://"""
    return failure(connection.step("HTTP upgrade").detail, cause, fix)


def _is_stripped(connection: Connection) -> bool:
    if connection.open or not connection.reached:
        return False
    body = connection.body.lower()
    says_so = "upgrade" in body and ("websocket" in body or "connection" in body)
    return connection.status == 426 or (connection.status in (400, 404, 500) and says_so)


@rule(
    "What is behind the gateway is up",
    needs.reached,
    "https://supabase.com/docs/guides/troubleshooting",
    symptom="All at once nothing works, for everybody.",
    remedy="Look at the project's status; restore it if it is paused.",
    verify=REOPENED,
    follows=("connect_failed", "upgrade_passed"),
)
def gateway_finds_realtime(reached: tuple[Connection, Services | Missing]) -> Verdict:
    """The gateway answers in the place of a Realtime that is down, restarting, or paused with its project."""
    connection, _ = reached
    if connection.status not in (500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 530, 540, 544):
        return ok("the gateway found it")
    cause = (
        f"The gateway answers HTTP {connection.status}, and Realtime behind it is down or the project is paused "
        f"({_answerer(connection)})"
    )
    status = "Look at https://status.supabase.com and at the project; restore it if it is paused"
    local = "supabase stop && supabase start, and look at `docker logs supabase_realtime_…`"
    return failure(connection.step("HTTP upgrade").detail, cause, status if connection.host.endswith(HOSTED) else local)


@rule(
    "Realtime answers at the URL",
    needs.reached,
    SERVER_CODES,
    symptom="The socket never opens, on any network.",
    remedy="Copy the Project URL again; look whether Realtime is part of the installation.",
    verify="Diagnose again: the upgrade is answered with 101 or by a sentence of Realtime.",
    follows=("answer_comes", "proxy_lets_through", "no_captive_portal", "upgrade_passed", "gateway_finds_realtime",
             *ANSWER_IDS),
)  # fmt: skip
def realtime_answers(reached: tuple[Connection, Services | Missing]) -> Verdict:
    """Another server listens there, or a Supabase without Realtime."""
    connection, services = reached
    step = connection.step("HTTP upgrade")
    if connection.status in (101, 401):
        return ok(f"HTTP {connection.status} from {connection.host}")
    if connection.status is None:
        cause = f"{connection.host} port {connection.port} does not speak HTTP with WebSockets: it is not Supabase"
        return failure(step.detail, cause, COPY_URL)
    said = f"HTTP {connection.status}" + (f" by {connection.server}" if connection.server else "")
    if _is_supabase(services):
        enable = "Enable Realtime for the project (Settings, Realtime), and check that the URL names the right project"
        return failure(step.detail, f"This Supabase has no Realtime at /realtime/v1 ({said})", enable)
    cause = f"The server at {connection.host} port {connection.port} is not Supabase ({said})"
    return failure(step.detail, cause, COPY_URL)


def _is_supabase(services: Services | Missing) -> bool:
    return not isinstance(services, Missing) and (services.auth_is_supabase or services.rest_is_supabase)


def _answerer(connection: Connection) -> str:
    """Who says that it answered, as far as the headers tell."""
    told = {"Server": connection.server, "Via": connection.header("via"), "CF-Ray": connection.header("cf-ray")}
    named = [f"{name}: {value}" for name, value in told.items() if value]
    named += [f"{name}: {value}" for name, value in connection.headers if name.startswith("x-")][:2]
    return ", ".join(named) or "it does not say who it is"


@rule(
    "The key is accepted",
    needs.answered,
    SERVER_CODES,
    symptom="The socket is refused with HTTP 401 after two seconds.",
    remedy="Copy the publishable key of the project.",
    verify="Diagnose again: the upgrade is granted.",
    follows=ANSWER_IDS,
)
def key_accepted(connection: Connection) -> Verdict:
    """Realtime, or a gateway before it, does not take the key, for a reason that it does not tell."""
    if connection.open:
        return ok("the upgrade was granted")
    cause = f"The server refuses the key (HTTP {connection.status})"
    return failure(connection.body or cause, cause, "Copy the publishable key of this project from Settings, API Keys")


@rule(
    "Connecting takes less than 100 ms",
    needs.opened,
    "https://supabase.com/docs/guides/realtime/benchmarks",
    symptom="The first message of a page is late; after that all is quick.",
    remedy="Keep one connection open for all channels; choose a region near the users.",
    verify="Diagnose again, from where the users are.",
)
def connect_time(connection: Connection) -> Verdict:
    """Name, TCP, TLS and upgrade each cost a round trip or more before the first byte of yours."""
    medians = {step.name: step.samples_ms for step in connection.steps if step.samples_ms}
    runs = sorted(sum(times) for times in zip(*medians.values(), strict=True))
    median = runs[len(runs) // 2]
    seen = f"{median:.1f} ms ({runs[0]:.1f}–{runs[-1]:.1f}), n = {len(runs)}; target {CONNECT_TARGET_MS} ms"
    if median <= CONNECT_TARGET_MS:
        return ok(seen)
    slowest = max(medians, key=lambda name: sorted(medians[name])[len(runs) // 2])
    share = sorted(medians[slowest])[len(runs) // 2] / median
    cause = f"{slowest} takes {share:.0%} of it; each of TCP, TLS and upgrade costs a round trip to {connection.host}"
    return warning(seen, cause, "Keep one connection open for all channels, and choose a region near the users")


@rule(
    "Frames travel as they are",
    needs.opened,
    "https://www.rfc-editor.org/rfc/rfc7692",
    symptom="Message sizes on the wire are smaller than what clients count, and servers need more memory.",
    remedy="Nothing to mend; switch compression off in the proxy where CPU or memory is short.",
    verify="Diagnose again: the extension is not accepted.",
)
def frames_uncompressed(connection: Connection) -> Verdict:
    """Realtime itself does not compress; where permessage-deflate is agreed on, a proxy on the way ends the WebSocket
    and opens another one behind it."""
    if not connection.compressed:
        return ok("permessage-deflate was offered and not accepted, as by Realtime itself")
    cause = f"A proxy on the way accepts permessage-deflate, which Realtime does not ({_answerer(connection)})"
    return note(connection.header("sec-websocket-extensions"), cause, "Nothing to do; it costs memory per connection")


def is_loopback(connection: Connection) -> bool:
    """Whether all that is sent stays on this machine."""
    return bool(connection.addresses) and all(
        ipaddress.ip_address(address.address.partition("%")[0]).is_loopback for address in connection.addresses
    )


RULES = (
    host_found,
    port_open,
    both_families,
    answer_comes,
    proxy_lets_through,
    no_captive_portal,
    upgrade_passed,
    gateway_finds_realtime,
    realtime_answers,
    key_accepted,
    connect_time,
    frames_uncompressed,
)
