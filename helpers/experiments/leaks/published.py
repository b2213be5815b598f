"""Leaks that users have reported in public, and the case that looks whether a client of today still has them."""

from __future__ import annotations

from dataclasses import dataclass

from helpers.probes.habits import Client, Habit

__all__ = ["REPORTS", "Report"]


@dataclass(frozen=True, slots=True)
class Report:
    """One thread.

    Attributes:
        where: its short name. what: as its author saw it, in our words.
        client, habit: the case that is the same.
    """

    where: str
    link: str
    what: str
    client: Client
    habit: Habit


#: All of them are about channels that a client keeps.
REPORTS = (
    Report(
        "supabase-js#1729",
        "https://github.com/supabase/supabase-js/issues/1729",
        "a server that broadcasts over HTTP keeps a channel for each topic",
        Client.JAVASCRIPT,
        Habit.SEND,
    ),
    Report(
        "supabase-js#1722",
        "https://github.com/supabase/supabase-js/issues/1722",
        "a topic that is asked for again becomes another channel",
        Client.JAVASCRIPT,
        Habit.DUPLICATE,
    ),
    Report(
        "supabase-js#2091",
        "https://github.com/supabase/supabase-js/pull/2091",
        "a channel that was removed stays in the client's list",
        Client.JAVASCRIPT,
        Habit.REMOVE,
    ),
    Report(
        "supabase-py#1371",
        "https://github.com/supabase/supabase-py/issues/1371",
        "a channel that was removed stays in the client's list",
        Client.PYTHON,
        Habit.REMOVE,
    ),
    Report(
        "too many channels",
        "https://supabase.com/docs/guides/troubleshooting/realtime-too-many-channels-error",
        "channels that nobody removes add up, to 100 on a socket",
        Client.JAVASCRIPT,
        Habit.KEEP,
    ),
)
