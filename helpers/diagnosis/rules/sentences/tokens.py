"""What the server says of a key or a token."""

from __future__ import annotations

from helpers.diagnosis.rules.sentences.answer import Answer

__all__ = ["ANSWERS"]

COPY_KEY = "Set SUPABASE_PUBLISHABLE_KEY to the publishable key of $host (Settings, API Keys)"
SET_AUTH = """\
// before the old token ends, and after each refresh:
await supabase.realtime.setAuth(session.access_token)
// or let the client ask for it: createClient(url, key, { accessToken: async () => await freshToken() })"""
SYMPTOM = "The socket fails to open, or CHANNEL_ERROR after five seconds; browsers hide the server's sentence."
VERIFY = "Diagnose again: the upgrade is granted, and the join with the token is answered with ok."

ANSWERS = (
    Answer(
        id="key_missing",
        title="The key arrives",
        words="API key is missing",
        cause="No key came with the request to open the socket",
        fix="Send the key as `apikey` in the query of wss://$host/realtime/v1/websocket, and let no proxy strip it",
        key_fix="Send the key as `apikey` in the query, and let no proxy or gateway before $host strip the query",
        symptom="The socket fails to open; the server says HTTP 401 after two seconds.",
        why="Browsers cannot set headers on a WebSocket, so the key travels in the query; a proxy that drops the "
        "query, "
        "or a client that was made without a key, leaves none.",
        verify="Diagnose again: the upgrade is granted.",
    ),
    Answer(
        id="token_expired",
        title="No token ends while it is in use",
        words="Token (has )?expired",
        cause="A token had expired when Realtime looked at it: it was not renewed, or a clock is wrong",
        fix=SET_AUTH,
        key_cause="The server refuses the key: it has expired",
        key_fix=f"{COPY_KEY}, and check the clock of this machine",
        symptom="A channel that worked closes in the very second in which the token ends; rejoining loops.",
        why="The server closes a channel at `exp`, and judges each join anew. REST goes on, because its client "
        "refreshes "
        "the session; Realtime only knows the new token when it is told.",
        verify="Wait for the end of a token with the channel open: it stays.",
        source="https://github.com/supabase/supabase/issues/16684",
        follows=("key_life", "token_life", "clocks_agree"),
        notes=(4, 5, 6, 8),
    ),
    Answer(
        id="token_claims",
        title="Tokens carry role and exp",
        words="Fields `role` and `exp` are required",
        cause="The token lacks the claims `role` and `exp`, without which Realtime takes none",
        fix='Add "role": "authenticated" and "exp" to the tokens that you issue (in Clerk, Auth0 or Firebase: to the '
        "token's template or custom claims)",
        key_cause="The server refuses the key: it lacks the claims `role` and `exp`",
        key_fix=f'Sign it with "role": "anon" and "exp". {COPY_KEY}',
        symptom=SYMPTOM,
        why="Tokens of other providers have no `role`, which names the database role that policies are judged for.",
        verify=VERIFY,
        follows=("key_role", "token_role", "token_life"),
        notes=(6,),
    ),
    Answer(
        id="token_malformed",
        title="What is sent as a token is one",
        words="not a valid JWT",
        cause="What was sent as an access token is no JSON Web Token",
        fix="Pass session.access_token to supabase.realtime.setAuth(), not a key, a cookie or an object",
        key_cause="The server refuses the key: it is not a JSON Web Token that Realtime can read",
        key_fix=f"Copy it again, whole. {COPY_KEY}",
        symptom=SYMPTOM,
        why="Cut, quoted or encoded once more on its way; or another kind of key, which older self-hosted gateways do "
        "not replace by a token.",
        verify=VERIFY,
        follows=("key_role", "token_readable"),
    ),
    Answer(
        id="token_signature",
        title="Signatures fit the project's keys",
        words="Failed to validate JWT signature|:signature_error",
        cause="The token was not signed with a key of $host: it is another project's, or the secret was changed since",
        fix="Sign in again on $host and use the new session's access token; sign tokens of your own with this "
        "project's JWT secret (Settings, JWT Keys)",
        key_cause="The server refuses the key: its signature does not fit $host; it is another project's key, or the "
        "signing key was changed",
        key_fix=f"Copy the key of this very project. {COPY_KEY}",
        symptom=SYMPTOM,
        why="Each project signs with its own secret. A token from before a rotation, from the local stack or from "
        "staging does not fit.",
        verify=VERIFY,
        follows=("key_project", "token_issuer"),
        notes=(8,),
    ),
    Answer(
        id="jwks_unknown",
        title="Realtime knows the signing keys",
        words=r"Failed to generate JWT signer(?: for key ID \(kid\) \"(?P<kid>[^\"]*)\")?",
        cause="Realtime does not have the key with which the token was signed",
        fix="Sign with a key that $origin/auth/v1/.well-known/jwks.json lists, or add the issuer of the token under "
        "Authentication, Third-Party Auth; a self-hosted Realtime needs the set in API_JWT_JWKS",
        symptom=SYMPTOM,
        why="An asymmetric token names its key (`kid`), and the server must have it in its set of keys (JWKS). A token "
        "without an algorithm, or with one that is not allowed, gets the same answer.",
        verify=VERIFY,
        follows=("token_signing",),
    ),
)
