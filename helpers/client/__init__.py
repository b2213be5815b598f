"""The measuring client: Supabase Realtime with the time and the size of everything that happens.

It shows what official clients hide (refused rows, system errors, unanswered heartbeats), counts what goes over the
wire, and leaves reconnecting to others: a measurement must see a lost link, not have it repaired behind its back.
"""

from __future__ import annotations

from helpers.client.channel import Channel, JoinTimes
from helpers.client.client import ClientState, RealtimeClient
from helpers.client.counters import Counters

__all__ = ["Channel", "ClientState", "Counters", "JoinTimes", "RealtimeClient"]
