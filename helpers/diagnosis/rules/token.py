"""Rules about a user's access token: what it says, and whether Realtime answers to it as it says."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from helpers.diagnosis.evidence import Evidence, Missing, TokenKind, UserToken
from helpers.diagnosis.prediction import PUBLIC, SHARED, agrees
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, duration, failure, listed, moment, note, ok, rule, warning
from helpers.diagnosis.rules.sentences import ANSWERS
from helpers.diagnosis.rules.sentences.tokens import SET_AUTH

__all__ = ["RULES"]

SESSIONS = "https://supabase.com/docs/guides/auth/sessions"
THIRD_PARTY = "https://supabase.com/docs/guides/auth/third-party/overview"
SIGNING_KEYS = "https://supabase.com/docs/guides/auth/signing-keys"
ONLY_DELETES = "Nothing arrives but DELETEs, or private channels are refused, though the user is signed in."
REFUSED = "CHANNEL_ERROR after five seconds on each channel that is joined with the token."
VERIFY = "Diagnose again with the new token: the join with it is answered with ok."
SIGN_IN = "const { data: { session } } = await supabase.auth.getSession()  // WORKBOOK_USER_TOKEN=session.access_token"
#: A token that ends within this time will end while somebody looks.
SOON_S = 300
#: Seconds since 1970 reach this number in the year 5138, milliseconds have passed it in 1973.
MILLISECONDS = 1e11
#: Clocks of phones and laptops differ by less, once they are set by a time server.
SKEW_S = 5
#: Roles of the database that a user's token may name; others need to be made and granted.
ROLES = ("authenticated", "anon")
HOSTED = (".supabase.co", ".supabase.in")


def _jwt(evidence: Evidence) -> UserToken | Missing:
    token = evidence.token
    if isinstance(token, Missing) or token.kind is TokenKind.JWT:
        return token
    return Missing("what is given is not a token")


@rule(
    "The user's token is a token",
    needs.token,
    SESSIONS,
    symptom=ONLY_DELETES,
    remedy="Pass session.access_token, as it is, without quotes and without `Bearer`.",
    verify=VERIFY,
)
def token_readable(token: UserToken) -> Verdict:
    """An API key, a refresh token or a session object in the token's place. A key (`sb_…`) is not even refused:
    Realtime passes it over and goes on as `anon`."""
    match token.kind:
        case TokenKind.JWT:
            return ok(f"a JSON Web Token ({token.algorithm}) with {listed(token.claims) or 'no claims'}")
        case TokenKind.KEY:
            cause = "The user's token is an API key: Realtime passes it over, and the user stays anon"
        case TokenKind.WRAPPED:
            cause = "The user's token has quotes, spaces or `Bearer` around it, so that Realtime cannot read it"
        case _:
            cause = "What is given as the user's token is not a JSON Web Token (three parts with dots between)"
    return failure(f"{token.kind.value}; it was not sent anywhere", cause, SIGN_IN)


@rule(
    "The token is signed in a known way",
    _jwt,
    SIGNING_KEYS,
    symptom=REFUSED,
    remedy="Sign with HS256 and the project's secret, or with a key that the project's JWKS lists, naming it in `kid`.",
    verify=VERIFY,
)
def token_signing(token: UserToken) -> Verdict:
    """The header names algorithm and key. `none` is refused, and so is a key that the project does not know: an
    issuer that was not registered, or keys that were rotated."""
    if token.algorithm in SHARED:
        return ok(f"{token.algorithm}, with the project's shared secret")
    if token.algorithm not in PUBLIC:
        cause = f"The token is signed with “{token.algorithm or 'nothing'}”, which Realtime does not take"
        return failure(f"alg {token.algorithm!r}", cause, 'Sign with {"alg": "HS256"} or ES256; never with none')
    if not token.key_id:
        return failure(f"{token.algorithm} without kid", "The token does not name its key", 'Add "kid" to its header')
    if isinstance(token.key_ids, Missing):
        return ok(f"{token.algorithm}, key {token.key_id}; {token.key_ids.reason}")
    if token.key_id in token.key_ids:
        return ok(f"{token.algorithm}, key {token.key_id}, which the project lists")
    cause = f"The token is signed with the key {token.key_id}, which {token.host} does not have"
    fix = (
        f"Sign in again (the keys may have been rotated: {token.origin}/auth/v1/.well-known/jwks.json lists "
        f"{listed(token.key_ids) or 'none'}), or register its issuer under Authentication, Third-Party Auth"
    )
    return failure(f"kid {token.key_id}", cause, fix)


@rule(
    "The token names a user's role",
    _jwt,
    THIRD_PARTY,
    symptom=ONLY_DELETES,
    remedy='Issue tokens with "role": "authenticated".',
    verify=VERIFY,
    notes=(6, 23),
)
def token_role(token: UserToken) -> Verdict:
    """`role` names the database role for which policies are judged. Other providers' tokens have none, or one of
    their own that the database does not know."""
    if token.role in ROLES[:1]:
        return ok(f"role {token.role}")
    fix = '"role": "authenticated" among the claims (an auth hook, or the token template of the provider)'
    if not token.role:
        return failure("no role", "The token lacks the claim role, without which Realtime refuses it", fix)
    if token.role == "service_role":
        cause = "The token is the server's: whoever has it reads and writes everything, past row-level security"
        return failure("role service_role", cause, f"Never hand it to a client; revoke it. {SIGN_IN}")
    if token.role == "anon":
        return note("role anon", "The token is nobody's: it acts as anon, like the key itself", SIGN_IN)
    cause = f"The token acts as the role {token.role}: policies `to authenticated` do not hold for it"
    sql = '"' + token.role.replace('"', '""') + '"'
    return warning(f"role {token.role}", cause, f"grant authenticated to {sql}; -- or: {fix}")


@rule(
    "The token has time left",
    _jwt,
    "https://github.com/supabase/supabase/issues/16684",
    symptom="A channel that worked closes in the second in which the token ends, and rejoining loops.",
    remedy="Refresh the session before it ends, and tell Realtime with setAuth each time.",
    verify=VERIFY,
    notes=(4, 5, 6, 8),
)
def token_life(token: UserToken) -> Verdict:
    """Realtime judges `exp` at each join, and closes a joined channel in that second. Clients in the background, and
    clients with a token of their own, do not refresh it by themselves."""
    if token.expires_at is None:
        missing = "is not a number" if "exp" in token.claims else "is missing"
        fix = '"exp": a number of seconds since 1970, an hour from now'
        return failure(f"exp {missing}", f"The token's claim exp {missing}: Realtime refuses it", fix)
    left = token.expires_at - token.server_now
    until = moment(token.expires_at)
    if left <= 0:
        return failure(f"valid until {until}", f"The user's token expired {duration(-left)} ago", SET_AUTH)
    if left < SOON_S:
        cause = f"The user's token ends in {duration(left)}, and each channel with it"
        return warning(f"valid until {until}", cause, SET_AUTH)
    if token.expires_at > MILLISECONDS:
        cause = "The token's exp is in milliseconds, so that the token never ends, whoever has it"
        return warning(f"exp {token.expires_at:.0f}", cause, '"exp": Math.floor(Date.now() / 1000) + 3600')
    return ok(f"valid until {until}")


@rule(
    "The token has begun",
    _jwt,
    "https://www.rfc-editor.org/rfc/rfc7519#section-4.1.5",
    symptom="REST refuses the token for some seconds after the sign-in, Realtime takes it.",
    remedy="Set the clock of the machine that issues tokens; issue them with `nbf` a minute in the past.",
    verify=VERIFY,
    follows=("clocks_agree",),
)
def token_begun(token: UserToken) -> Verdict:
    """`nbf` and `iat` are judged by REST and not by Realtime; a token from a machine whose clock is fast works here
    and not there."""
    begins = {"nbf": token.not_before, "iat": token.issued_at}
    ahead = {name: at - token.server_now for name, at in begins.items() if at is not None}
    late = {name: wait for name, wait in ahead.items() if wait > SKEW_S}
    if not late:
        return ok("it is valid already")
    name, wait = max(late.items(), key=lambda item: item[1])
    cause = f"The token is valid only in {duration(wait)} ({name}): its issuer's clock is fast, or it is too early"
    return warning(f"{name} in {wait:.0f} s", cause, "timedatectl set-ntp true, on the machine that issues the token")


@rule(
    "The token is of this project",
    _jwt,
    THIRD_PARTY,
    symptom=REFUSED,
    remedy="Sign in on the project that the URL names; register a foreign issuer with it.",
    verify=VERIFY,
)
def token_issuer(token: UserToken) -> Verdict:
    """`iss` says who issued it: the Auth of this project, of another one (staging, the local stack), or a foreign
    provider that the project must know."""
    issuer = _host_of(token.issuer)
    if not issuer or issuer == token.host:
        return ok(f"issuer {token.issuer or 'not named'}")
    if issuer.endswith(HOSTED) or token.issuer.rstrip("/").endswith("/auth/v1"):
        if not token.host.endswith(HOSTED):
            return _other_door(token, issuer)
        cause = f"The token was issued by {issuer}, and the URL is {token.host}: another project's user"
        return failure(f"issuer {token.issuer}", cause, f"Sign in on https://{token.host}, or set SUPABASE_URL to it")
    cause = f"The token was issued by {issuer}, not by Supabase Auth"
    fix = f"Register {issuer} under Authentication, Third-Party Auth, and pass it by createClient's accessToken"
    return note(f"issuer {token.issuer}", cause, fix)


def _host_of(issuer: str) -> str:
    """The host, if the issuer is a web address as it should be."""
    try:
        return urlsplit(issuer).hostname or ""
    except ValueError:
        return ""


def _other_door(token: UserToken, issuer: str) -> Verdict:
    """A host of the user's own may be a custom domain, and a self-hosted Auth may call itself by another name."""
    if issuer.endswith(HOSTED) and token.host in ("127.0.0.1", "localhost", "::1"):
        cause = f"The token was issued by {issuer}, and this is the local stack: another project's user"
        return failure(f"issuer {token.issuer}", cause, f"Sign in on {token.origin}, or set SUPABASE_URL to {issuer}")
    return ok(f"issuer {token.issuer}, by which {token.host} may be known too")


@rule(
    "The token's user is a uuid",
    _jwt,
    "https://supabase.com/docs/guides/auth/third-party/clerk",
    symptom="As soon as this user subscribes, changes stop for everybody in the project, without a word.",
    remedy="Write policies with auth.jwt()->>'sub' in place of auth.uid(), and a text column for the user.",
    verify=VERIFY,
    notes=(6,),
)
def token_subject(token: UserToken) -> Verdict:
    """`auth.uid()` casts `sub` to a uuid. A cast that fails while Realtime judges a policy drops the whole batch of
    changes, for all tables and all subscribers; nobody is told."""
    if token.role == "service_role" or (token.role == "anon" and not token.subject):
        return ok(f"the role {token.role} is nobody's")
    if not token.subject:
        cause = "The token names no user (claim sub): auth.uid() is null, and policies by user hide every row"
        return warning("no sub", cause, f'"sub": the user\'s uuid among the claims. {SIGN_IN}')
    try:
        uuid.UUID(token.subject)
    except ValueError:
        cause = (
            "The token's sub is not a uuid: where a policy calls auth.uid(), the cast fails, and Realtime then drops "
            "the changes of all subscribers"
        )
        fix = "-- in each policy of a published table:\n((select auth.jwt())->>'sub') = user_id  -- user_id is text"
        return failure(f"sub of {len(token.subject)} characters", cause, fix)
    return ok("sub is a uuid")


@rule(
    "Realtime answers to the token as it should",
    _jwt,
    "https://github.com/supabase/realtime/blob/main/lib/realtime_web/channels/auth/jwt_verification.ex",
    symptom=REFUSED,
    remedy="Look at what the server said; the token's own rules say what it should have said.",
    verify=VERIFY,
    follows=("token_signing", "token_role", "token_life", "token_issuer", *(answer.id for answer in ANSWERS)),
)
def token_answer(token: UserToken) -> Verdict:
    """The answer can be told beforehand from all but the signature. Another answer is another server than expected:
    an older version, or a gateway that puts a token of its own in the place."""
    trial = token.trial
    if isinstance(trial, Missing) or trial.joined is None:
        why = trial.reason if isinstance(trial, Missing) else f"no answer: {trial.reason}"
        return ok(f"expected: {token.predicted or 'a join'}; {why}")
    if trial.joined and not token.predicted:
        return ok(f"joined with it, as expected, in {trial.took_ms:.0f} ms with the connection")
    if trial.joined:
        cause = f"Realtime takes a token that it should refuse ({token.predicted})"
        return warning("joined", cause, "Look which server answers, and whether a gateway replaces tokens on the way")
    as_expected = ", as expected" if agrees(token.predicted, trial.reason) else ""
    cause = f"Realtime refuses the user's token: {trial.reason}{as_expected}"
    return failure(trial.reason, cause, f"Sign in anew, and look at the Realtime logs. {SIGN_IN}")


RULES = (
    token_readable,
    token_signing,
    token_role,
    token_life,
    token_begun,
    token_issuer,
    token_subject,
    token_answer,
)
