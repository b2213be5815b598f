"""The rule about a join's configuration, which the server takes as it likes and never refuses."""

from __future__ import annotations

from helpers.diagnosis.evidence import Wish
from helpers.diagnosis.rules import needs
from helpers.diagnosis.rules.rule import Verdict, failure, ok, rule, warning

__all__ = ["RULES"]


@rule(
    "A join is taken as it was meant",
    needs.wish,
    "https://github.com/supabase/realtime/blob/main/phx_join.schema.json",
    symptom="A channel that was meant to be private is public; acknowledgements or presence never come. All is “ok”.",
    remedy="Write the configuration with the names and types of phx_join.schema.json, and check it before sending.",
    verify="Diagnose again with the printed configuration: it is taken as it is.",
)
def join_as_meant(wish: Wish) -> Verdict:
    """An invalid configuration is not rejected: the server logs InvalidJoinPayload, takes defaults in its place, and
    answers ok. A misspelt `private` opens the channel to everybody."""
    if not wish.misreadings:
        return ok("the server takes it as it is")
    seen = "; ".join(f"{each.path} = {each.given} is taken as {each.taken_as}" for each in wish.misreadings)
    paths = ", ".join(each.path for each in wish.misreadings)
    if any("priv" in each.path.lower() for each in wish.misreadings):
        cause = f"The channel is public, though it is meant to be private: {paths} is not what the server reads"
        return failure(seen, cause, wish.mended)
    return warning(seen, f"The server does not take {paths} as it was meant, and tells nobody", wish.mended)


RULES = (join_as_meant,)
