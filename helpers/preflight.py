"""Is there a usable Realtime? Answered in seconds, before anything longer is begun."""

from __future__ import annotations

import asyncio
import secrets

from helpers.client import RealtimeClient
from helpers.errors import ConnectionFailed, TargetError
from helpers.target import Target, mask
from helpers.wire.join import JoinConfig

__all__ = ["LIMIT_S", "preflight"]

#: A refused handshake is answered after 2 s, a refused join after 5 s (CONNECT_ERROR_BACKOFF_MS and
#: CHANNEL_ERROR_BACKOFF_MS in supabase/realtime's config/runtime.exs); everything together gets twice that.
LIMIT_S = 14.0

#: HTTP statuses of a refused handshake: the key is wrong; the quota is used up for now.
UNAUTHORIZED, TOO_MANY = 401, 429


async def preflight(target: Target) -> None:
    """Connect with the key and join a channel that nobody else uses.

    Raises:
        TargetError: there is a server, but it is not Supabase with Realtime, or it refuses the key.
        ConnectionFailed: nothing answers there.
        JoinFailed: the channel was refused.
    """
    try:
        async with asyncio.timeout(LIMIT_S), RealtimeClient(target) as client:
            await client.channel(f"workbook:preflight:{secrets.token_hex(4)}", JoinConfig()).subscribe(timeout=LIMIT_S)
    except ConnectionFailed as failed:
        raise _translated(target, failed) from None
    except TimeoutError:
        raise ConnectionFailed(
            f"connecting to {target}", f"no answer within {LIMIT_S:.0f} s", "Check SUPABASE_URL and the network"
        ) from None


def _translated(target: Target, failed: ConnectionFailed) -> Exception:
    """A refusal that trying again cannot mend is a mistake in what the person set."""
    if failed.status is None or not 400 <= failed.status < 500 or failed.status == TOO_MANY:
        return failed
    key = f" (the key is {mask(target.publishable_key)})" if failed.status == UNAUTHORIZED else ""
    return TargetError(failed.tried, failed.happened + key, failed.advice)
