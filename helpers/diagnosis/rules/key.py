"""Rules about the key and the clocks by which its life is judged."""

from __future__ import annotations

import ipaddress

from helpers.diagnosis.evidence import Clock, DatabaseHome, Key, KeyKind
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, duration, failure, moment, ok, rule, warning

__all__ = ["RULES"]

API_KEYS = "https://supabase.com/docs/guides/api/api-keys"
COPY_KEY = "Copy the publishable key of this project (Settings, API Keys) into SUPABASE_PUBLISHABLE_KEY"
#: A key that ends within this time is worth a word now.
SOON_S = 7 * 86_400
#: Half of the shortest usual token life, one hour, is far more; a minute already breaks `iat` and `nbf`.
SKEW_WARNING_S = 5
SKEW_FAILURE_S = 60
#: Who signs the keys that `supabase start` shows to everybody.
DEMO_ISSUER = "supabase-demo"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
#: Names under which a machine of one's own is known to its containers and its neighbours.
NEAR = ("localhost", ".local", ".internal", ".lan", ".home.arpa", ".test")


@rule(
    "The client's key is a client's key",
    needs.key,
    API_KEYS,
    symptom="All works, also for people who should not see it; or nothing does.",
    remedy="Use the publishable key in clients; revoke a server's key that was handed out.",
    verify="Diagnose again: the key acts as anon.",
)
def key_role(key: Key) -> Verdict:
    """Publishable and anon keys are meant to be public, secret and service_role keys never leave a server: they pass
    row-level security by. What is neither was copied in part."""
    if key.kind is KeyKind.PUBLISHABLE:
        return ok("a publishable key, which acts as anon")
    if key.kind is KeyKind.SECRET or key.role == "service_role":
        cause = "The key is the server's: whoever has it reads and writes everything, past row-level security"
        return failure(f"kind {key.kind}, role {key.role or 'service_role'}", cause, f"{COPY_KEY}, and revoke this one")
    if key.kind is KeyKind.UNKNOWN:
        cause = "The key is malformed: it was not copied whole, or changed on its way"
        return failure("neither sb_publishable_… nor a JSON Web Token", cause, COPY_KEY)
    if not key.role or key.expires_at is None:
        missing = " and ".join(name for name, value in (("role", key.role), ("exp", key.expires_at)) if not value)
        cause = f"The key lacks the claim {missing}, without which Realtime refuses it"
        return failure("a JSON Web Token", cause, "Issue tokens with `role` (authenticated) and `exp`")
    return ok(f"a JSON Web Token ({key.algorithm}) for the role {key.role}")


@rule(
    "The key has not expired",
    needs.key,
    "https://github.com/supabase/supabase/issues/16684",
    symptom="From one moment on everything is refused with 401.",
    remedy="Put the present key in its place.",
    verify="Diagnose again: the upgrade is granted.",
    follows=("clocks_agree",),
)
def key_life(key: Key) -> Verdict:
    """Keys last ten years; a shorter one is a user's token in the key's place, or of a key that was made by hand."""
    if key.expires_at is None:
        return ok("it carries no time of expiry")
    left = key.expires_at - key.now
    until = moment(key.expires_at)
    if left <= 0:
        return failure(f"valid until {until}", f"The key expired {duration(-left)} ago", COPY_KEY)
    if left < SOON_S:
        renew = "Refresh it in time and call supabase.realtime.setAuth(token) each time"
        return warning(f"valid until {until}", f"The key ends in {duration(left)}, and each channel with it", renew)
    return ok(f"valid until {until}")


@rule(
    "The key belongs to this project",
    needs.key,
    API_KEYS,
    symptom="Everything is refused, though URL and key are both right, each for another project.",
    remedy="Copy URL and key from the same page of the same project.",
    verify="Diagnose again: the upgrade is granted.",
)
def key_project(key: Key) -> Verdict:
    """An anon key names its project (`ref`), which is the first label of the host. The keys that `supabase start`
    shows are the same everywhere."""
    ref = key.host.split(".")[0]
    if key.project and key.host.endswith((".supabase.co", ".supabase.in")) and key.project != ref:
        cause = f"The key is of the project {key.project}, the URL of {ref}"
        return failure(f"claim ref {key.project!r}", cause, f"Use both of one project. {COPY_KEY}")
    if key.issuer == DEMO_ISSUER and not _is_near(key.host):
        cause = "The key is the demo key of `supabase start`, which everybody knows"
        return failure(f"issuer {key.issuer}", cause, f"Never use it on {key.host}. {COPY_KEY}")
    if key.kind is not KeyKind.JWT:
        return ok("this kind of key does not name its project")
    return ok(f"issuer {key.issuer or 'not named'}, project {key.project or 'not named'}")


@rule(
    "The database belongs to this project",
    needs.database_home,
    "https://supabase.com/docs/guides/database/connecting-to-postgres",
    symptom="What Prisma or SQL writes never arrives, though every write succeeds; tables are there and not there.",
    remedy="Take both from one project: the Project URL, and the connection string of its page “Connect”.",
    verify="Diagnose again: both name the same project.",
)
def database_project(home: DatabaseHome) -> Verdict:
    """SUPABASE_URL and DATABASE_URL are two variables: after a move from the local stack to a project, or from staging
    to production, one of them is easily left behind. Realtime sends what is written in its own database alone."""
    ref = home.host.split(".")[0]
    hosted = home.host.endswith((".supabase.co", ".supabase.in"))
    if home.project and (home.project != ref if hosted else home.host in LOOPBACK):
        cause = f"DATABASE_URL is of the project {home.project}, SUPABASE_URL of {ref if hosted else 'the local stack'}"
        return failure(f"project {home.project} beside {home.host}", cause, _of_one(home, hosted))
    if home.here and hosted:
        cause = f"DATABASE_URL leads to this machine, SUPABASE_URL to the project {ref}"
        return warning(f"this machine beside {home.host}", cause, _of_one(home, hosted))
    return ok(f"project {home.project}" if home.project else "the database's address names no project")


def _of_one(home: DatabaseHome, hosted: bool) -> str:
    if not hosted:
        return f"SUPABASE_URL=https://{home.project}.supabase.co, or DATABASE_URL as `supabase status` prints it"
    ref = home.host.split(".")[0]
    return f"Copy DATABASE_URL from https://supabase.com/dashboard/project/{ref}?showConnect=true into .env"


def _is_near(host: str) -> bool:
    """Whether only this machine, its containers or its network know the host, as those of a local stack do."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(NEAR)
    return address.is_loopback or address.is_private


@rule(
    "The clocks agree",
    needs.clock,
    "https://github.com/supabase/supabase/issues/16684",
    symptom="Tokens expire too early, or are refused as not yet valid; measured delays are negative or too long.",
    remedy="Switch on time synchronisation on this machine.",
    verify="timedatectl status, then diagnose again.",
)
def clocks_agree(clock: Clock) -> Verdict:
    """Tokens carry times by the clock of their issuer. A machine that sleeps, or a container without time service,
    drifts away."""
    ahead = "ahead of" if clock.ahead_s > 0 else "behind"
    seen = f"this machine is {abs(clock.ahead_s):.1f} s {ahead} the server, ± {clock.uncertainty_s:.1f} s"
    certain = abs(clock.ahead_s) - clock.uncertainty_s
    cause = "The clocks differ, so that tokens count as expired or not yet valid, and measured delays are wrong"
    fix = "Switch on time synchronisation: timedatectl set-ntp true (Linux), or the system's date settings"
    if certain > SKEW_FAILURE_S:
        return failure(seen, cause, fix)
    return warning(seen, cause, fix) if certain > SKEW_WARNING_S else ok(seen)


RULES = (key_role, key_life, key_project, database_project, clocks_agree)
