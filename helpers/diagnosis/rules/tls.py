"""Rules about TLS: whether it is spoken, and whether the certificate is in its time, for this name, by a known hand."""

from __future__ import annotations

import re

from helpers.diagnosis.evidence import Certificate, Connection, Evidence, Missing
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, listed, note, ok, rule, warning
from helpers.diagnosis.rules.way_in import is_loopback

__all__ = ["RULES"]

SSL = "https://supabase.com/docs/guides/platform/ssl-enforcement"
#: Let's Encrypt and its like renew 30 days before the end; half of that gone without renewal is worth a word.
CERTIFICATE_DAYS = 14
REFUSED = "Every client refuses the connection before anything is sent; browsers show a warning page for https://."
VERIFY = "openssl s_client -connect <host>:443 -servername <host> </dev/null 2>/dev/null | openssl x509 -noout -text"
OLD = re.compile(r"PROTOCOL|VERSION", re.IGNORECASE)
#: OpenSSL's sentences about time and name; all others are about who signed.
TIME, NAME = re.compile("expired|not yet valid"), re.compile("mismatch", re.IGNORECASE)
BEFORE = needs.after("DNS", "TCP")


def _spoken(evidence: Evidence) -> Connection | Missing:
    connection = BEFORE(evidence)
    if isinstance(connection, Missing) or connection.secure:
        return connection
    return Missing("it is plain HTTP")


def _shown(evidence: Evidence) -> Connection | Missing:
    """A certificate was seen, or refused."""
    connection = _spoken(evidence)
    if isinstance(connection, Missing) or connection.certificate or connection.step("TLS").fault == "certificate":
        return connection
    return Missing(f"TLS failed ({connection.step('TLS').detail})")


@rule(
    "Messages are encrypted",
    BEFORE,
    SSL,
    symptom="Nothing fails, and whoever is on the way reads the key and all messages.",
    remedy="Use https:// and wss:// in all URLs but those of this machine.",
    verify="The URL begins with https://, and diagnosing again shows a TLS layer.",
)
def encrypted(connection: Connection) -> Verdict:
    """http:// and ws:// are for loopback only; any network between sees and changes what passes."""
    if connection.secure:
        return ok("TLS")
    if is_loopback(connection):
        return ok("plain HTTP on loopback, which no network sees")
    cause = f"http:// sends the key and all messages to {connection.host} unencrypted"
    return warning("plain HTTP to another machine", cause, f"SUPABASE_URL=https://{connection.host}")


@rule(
    "TLS is agreed on",
    _spoken,
    SSL,
    symptom=REFUSED,
    remedy="Switch on TLS 1.2 and 1.3 in the server or proxy; use https only on a port that speaks it.",
    verify="openssl s_client -tls1_2 -connect <host>:443",
)
def tls_agreed(connection: Connection) -> Verdict:
    """The server, or a proxy before it, knows only versions that clients gave up, or does not speak TLS at all."""
    step = connection.step("TLS")
    where = f"{connection.host} port {connection.port}"
    if not step.fault or step.fault == "certificate":
        return ok(step.detail or "agreed")
    if step.fault == "tls" and OLD.search(step.detail) and "WRONG_VERSION" not in step.detail:
        cause = f"{where} speaks only versions of TLS that are too old (before 1.2)"
        return failure(step.detail, cause, "ssl_protocols TLSv1.2 TLSv1.3;  # nginx, and reload it")
    if "WRONG_VERSION" in step.detail:
        cause = f"{where} answers, but not in TLS: it speaks plain HTTP, or another protocol"
        return failure(step.detail, cause, _without_tls(connection))
    cause = f"{where} does not complete TLS ({step.detail})"
    return failure(step.detail, cause, "Use https only on a port that speaks TLS, and let no proxy break it")


def _without_tls(connection: Connection) -> str:
    if is_loopback(connection):
        return f"SUPABASE_URL=http://{connection.host}:{connection.port}"
    return f"Use the port of {connection.host} that speaks TLS, mostly 443"


@rule(
    "The certificate is in its time",
    _shown,
    SSL,
    symptom=REFUSED,
    remedy="Renew the certificate, and have it renewed by a timer; or set this machine's clock.",
    verify=VERIFY,
)
def certificate_valid(connection: Connection) -> Verdict:
    """Certificates last for months; a renewal that failed unnoticed ends all connections at once. A wrong clock here
    has the same effect."""
    step, certificate = connection.step("TLS"), connection.certificate
    if step.fault == "certificate" and TIME.search(step.detail):
        return _out_of_time(connection, step.detail)
    if certificate is None:
        return ok("nothing was said against its time")
    seen = f"{certificate.days_left:.0f} days left, by {certificate.issuer}"
    if 0 <= certificate.days_left < CERTIFICATE_DAYS:
        fix = f"certbot renew --cert-name {connection.host}, or the renewal of your proxy"
        return warning(seen, "The certificate ends soon and has not been renewed", fix)
    return ok(seen)


def _out_of_time(connection: Connection, said: str) -> Verdict:
    certificate = connection.certificate
    if "not yet" in said:
        ahead = f" for {-certificate.days_old:.1f} days" if certificate else ""
        cause = (
            f"The certificate of {connection.host} is not yet valid{ahead}: this machine's clock is slow, or it is new"
        )
        return failure(said, cause, "timedatectl set-ntp true, or wait for its begin")
    ago = f" {-certificate.days_left:.1f} days ago" if certificate else ""
    cause = f"The certificate of {connection.host} has expired{ago}"
    return failure(said, cause, f"certbot renew --cert-name {connection.host}, and reload the server or proxy")


@rule(
    "The certificate is for this name",
    _shown,
    SSL,
    symptom=REFUSED,
    remedy="Use the name that the certificate is for, or have one made for the name that you use.",
    verify=VERIFY,
)
def certificate_name(connection: Connection) -> Verdict:
    """A custom domain without a certificate of its own, an IP address in the URL, or the wrong server."""
    step = connection.step("TLS")
    names = connection.certificate.names if connection.certificate else ()
    if step.fault != "certificate" or not NAME.search(step.detail):
        return ok(listed(names) or "it fits")
    cause = f"The certificate is not for {connection.host}, but for {listed(names) or 'another name'}"
    first = next((name.removeprefix("*.") for name in names), "<name>")
    return failure(step.detail, cause, f"SUPABASE_URL=https://{first}, or a certificate for {connection.host}")


@rule(
    "The certificate is signed by a trusted hand",
    _shown,
    SSL,
    symptom=REFUSED,
    remedy="Have the server send its whole chain; on a network that opens TLS, trust that network's authority.",
    verify=VERIFY,
)
def certificate_trusted(connection: Connection) -> Verdict:
    """A company's proxy that opens TLS signs with an authority of its own, which this machine must be told; a server
    that sends its own certificate alone leaves clients without the one between it and the root."""
    step, certificate = connection.step("TLS"), connection.certificate
    if step.fault != "certificate" or TIME.search(step.detail) or NAME.search(step.detail):
        return ok(f"by {listed(certificate.chain)}" if certificate else "nothing was said against it")
    signed = _signer(certificate)
    cause = (
        f"The certificate of {connection.host} is signed by {signed}, whom this machine does not trust ({step.detail})"
    )
    fix = """\
# if that is your company's proxy, trust its authority (ask for the file):
export SSL_CERT_FILE=authority.pem NODE_EXTRA_CA_CERTS=authority.pem REQUESTS_CA_BUNDLE=authority.pem
# if the server is yours, let it send the whole chain (nginx: ssl_certificate fullchain.pem;)"""
    return failure(step.detail, cause, fix)


def _signer(certificate: Certificate | None) -> str:
    return "somebody" if certificate is None else f"“{certificate.issuer}”"


@rule(
    "Nobody opens TLS on the way",
    _shown,
    "https://www.rfc-editor.org/rfc/rfc8446",
    symptom="All works in one program and nothing in another, which does not know the network's own authority.",
    remedy="Expect that the network reads along, and give its authority to each program (Node has a list of its own).",
    verify="Diagnose again from another network: a public authority has signed.",
    follows=("certificate_trusted",),
)
def signed_publicly(connection: Connection) -> Verdict:
    """Security software and companies' proxies end TLS, look into it, and go on with a certificate of their own. This
    machine trusts it; programs with a list of their own, such as Node, do not."""
    certificate = connection.certificate
    if certificate is None or certificate.public is None or certificate.public:
        return ok(f"signed by {certificate.issuer}" if certificate else "no certificate was accepted")
    cause = f"{connection.host} shows a certificate of a private authority ({certificate.issuer}): somebody opens TLS"
    return note(
        listed(certificate.chain) or certificate.issuer,
        cause,
        "export NODE_EXTRA_CA_CERTS=authority.pem for Node and its like",
    )


RULES = (encrypted, tls_agreed, certificate_valid, certificate_name, certificate_trusted, signed_publicly)
