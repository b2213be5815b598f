"""The load path: to receive near the limit of the machine, with every message accounted for.

intake ← socket     frames of thousands of sockets, stamped at receipt
  ↓
ledger, histogram   number, loss, repetition, order, latency: in blocks, with numpy
  ↓
listener            a plain function: `Listening` in, `Received` out
  ↓
fleet ← member      the same in many processes, with one start and one result
"""

from __future__ import annotations

from helpers.profiling.receiving.fleet import Fleet, Gathered, gathered
from helpers.profiling.receiving.listener import Listening, Received, listen, receive

__all__ = ["Fleet", "Gathered", "Listening", "Received", "gathered", "listen", "receive"]
