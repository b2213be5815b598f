"""Rules about the way in: name, port, certificate, upgrade, key accepted, time to connect."""

from __future__ import annotations

import ipaddress

from helpers.diagnosis.evidence import Connection, Missing, Services
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, ok, rule, warning

__all__ = ["RULES"]

#: The specification's target for the initial connection.
CONNECT_TARGET_MS = 100
#: Let's Encrypt and its like renew 30 days before the end; half of that gone without renewal is worth a word.
CERTIFICATE_DAYS = 14
COPY_URL = "Set SUPABASE_URL in .env to the Project URL (Settings, Data API): https://<project>.supabase.co"
SERVER_CODES = "https://github.com/supabase/realtime/blob/main/ERROR_CODES.md"


@rule("The host's name has an address", needs.after(), "https://supabase.com/docs/guides/platform/network-restrictions")
def host_found(connection: Connection) -> Verdict:
    step = connection.step("DNS")
    if not step.fault:
        return ok(f"{connection.host} is {step.detail}, found in {step.took_ms:.1f} ms")
    if step.fault == "timeout":
        cause = f"The resolver did not answer for {connection.host}: this machine has no working DNS"
        return failure(step.detail, cause, "Check the network, VPN and resolver of this machine")
    cause = f"There is no host {connection.host}: the URL is misspelt, or the project was deleted, or DNS is down"
    return failure(f"{connection.host}: {step.detail}", cause, COPY_URL)


@rule("The port accepts connections", needs.after("DNS"), "https://supabase.com/docs/guides/realtime/troubleshooting")
def port_open(connection: Connection) -> Verdict:
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


@rule("TLS is agreed on", needs.after("DNS", "TCP"), "https://supabase.com/docs/guides/platform/ssl-enforcement")
def certificate_valid(connection: Connection) -> Verdict:
    step, certificate = connection.step("TLS"), connection.certificate
    if not connection.secure:
        return _plain(connection)
    if step.fault == "certificate":
        cause = f"The certificate of {connection.host} is not trusted: {step.detail}"
        return failure(step.detail, cause, "Renew it, use the host name that it was made for, or trust its authority")
    if step.fault or certificate is None:
        cause = f"{connection.host} port {connection.port} does not complete TLS ({step.detail})"
        return failure(step.detail, cause, "Use https only on a port that speaks TLS, and let no proxy break it")
    seen = (
        f"{certificate.version}, {certificate.cipher}, by {certificate.issuer}, {certificate.days_left:.0f} days left"
    )
    if certificate.days_left < CERTIFICATE_DAYS:
        return warning(seen, "The certificate ends soon and has not been renewed", f"Renew it for {connection.host}")
    return ok(seen)


def _plain(connection: Connection) -> Verdict:
    if _is_loopback(connection):
        return ok("plain HTTP on loopback, which no network sees")
    cause = f"http:// sends the key and all messages to {connection.host} unencrypted"
    return warning("plain HTTP to another machine", cause, f"Use https://{connection.host}")


def _is_loopback(connection: Connection) -> bool:
    return bool(connection.addresses) and all(
        ipaddress.ip_address(address.address.partition("%")[0]).is_loopback for address in connection.addresses
    )


@rule("Realtime answers at the URL", needs.reached, SERVER_CODES)
def realtime_answers(reached: tuple[Connection, Services | Missing]) -> Verdict:
    connection, services = reached
    step = connection.step("HTTP upgrade")
    if connection.status in (101, 401):
        return ok(f"HTTP {connection.status} from {connection.host}")
    if step.fault == "timeout":
        cause = f"{connection.host} port {connection.port} accepts connections and never answers: no Supabase, or stuck"
        return failure(step.detail, cause, f"Check the URL, and whether a firewall swallows the answer. {COPY_URL}")
    if connection.status is None:
        cause = f"{connection.host} port {connection.port} does not speak HTTP with WebSockets: it is not Supabase"
        return failure(step.detail, cause, COPY_URL)
    return _refused(connection, services)


def _refused(connection: Connection, services: Services | Missing) -> Verdict:
    """The statuses that Realtime, its gateway and strangers give."""
    seen = connection.step("HTTP upgrade").detail
    enable = "Enable Realtime for the project (Settings, Realtime), and check that the URL names the right project"
    match connection.status:
        case 403 if "disabled" in connection.body:
            return failure(seen, "Realtime is switched off for this project", enable)
        case 404 if "Tenant" in connection.body:
            return failure(seen, f"Realtime does not know the project {connection.host.split('.')[0]}", enable)
        case 429:
            return failure(seen, "The project's limit of connections or joins is reached", "Close channels, or upgrade")
        case 500 | 502 | 503 | 504:
            wait = "Look at the project's status and Realtime logs; restore the project if it is paused"
            return failure(seen, "The gateway answers, and Realtime behind it is down or the project is paused", wait)
        case 407:
            return failure(seen, "A proxy on the way asks for a password", "Tell the proxy's user and password")
    if _is_supabase(services):
        return failure(seen, f"This Supabase has no Realtime at /realtime/v1 (HTTP {connection.status})", enable)
    said = f"HTTP {connection.status}" + (f" by {connection.server}" if connection.server else "")
    return failure(seen, f"The server at {connection.host} port {connection.port} is not Supabase ({said})", COPY_URL)


def _is_supabase(services: Services | Missing) -> bool:
    return not isinstance(services, Missing) and (services.auth_is_supabase or services.rest_is_supabase)


#: What Realtime says when it refuses a key (user_socket.ex), with its cause and what to do.
REFUSALS = {
    "API key is missing": ("the key did not arrive", "Send it as `apikey` in the query; let no proxy strip it"),
    "Token has expired": ("it has expired", "Get a new key, and check this machine's clock"),
    "Fields `role` and `exp`": ("it lacks the claims `role` and `exp`", "Add both to the tokens that you issue"),
    "not a valid JWT": ("it is not a JSON Web Token that Realtime can read", "Copy the key again, whole"),
    "validate JWT signature": (
        "its signature does not fit: it is another project's key, or the signing key was changed",
        "Copy the key of this very project (Settings, API Keys) into SUPABASE_PUBLISHABLE_KEY",
    ),
    "generate JWT signer": ("Realtime does not know its signing key", "Check the project's JWT keys (JWKS)"),
}


@rule("The key is accepted", needs.answered, SERVER_CODES)
def key_accepted(connection: Connection) -> Verdict:
    if connection.open:
        return ok("the upgrade was granted")
    for sentence, (cause, fix) in REFUSALS.items():
        if sentence in connection.body:
            return failure(connection.body, f"The server refuses the key: {cause}", fix)
    cause = f"The server refuses the key (HTTP {connection.status})"
    return failure(connection.body or cause, cause, "Copy the publishable key of this project from Settings, API Keys")


@rule("Connecting takes less than 100 ms", needs.opened, "https://supabase.com/docs/guides/realtime/benchmarks")
def connect_time(connection: Connection) -> Verdict:
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


RULES = (host_found, port_open, certificate_valid, realtime_answers, key_accepted, connect_time)
