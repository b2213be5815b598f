"""A notebook with every panel on one lab, so that a test of them takes seconds."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

import nbformat

__all__ = ["ALIVE", "PANELS", "STAGE", "WRITE", "Cell", "write_stage"]

STAGE = "stage.ipynb"

#: Heartbeats and waits are short, so that what a button does is seen at once.
_SETUP = """\
from helpers.client import RealtimeClient
from helpers.lab.network import network
from helpers.monitoring import CanarySettings, Exporter, watching
from helpers.resilience import BackoffSettings, ResilienceSettings, ResilientClient, Rows, SqlRowReader, State
from helpers.session import connect, disconnect
from helpers.widgets import EventTail, LoadPanel, StatusPanel, Switchboard, WatchPanel
from helpers.wire.join import JoinConfig

quick = ResilienceSettings(
    heartbeat_s=1.0, timeout_s=0.5, backoff=BackoffSettings(base_s=0.1, cap_s=0.5, spread_s=0.1),
    poll_after_s=0.3, poll_min_s=0.1, poll_max_s=0.3,
)
target = await connect()
via = network(target)
road = await via.__aenter__()
client = await ResilientClient(road.target, settings=quick).__aenter__()
reader = SqlRowReader(target.database_url, "events", "id", schema=target.schema)
subscription = client.subscribe(Rows(reader, "events", "id", schema=target.schema, overlap=1_000))
plain = await RealtimeClient(target).__aenter__()
channel = plain.channel("stage", JoinConfig(broadcast_self=True))
await channel.subscribe()
await subscription.wait_for(State.LIVE)"""

_WATCH = """\
watch = watching(road.target, Exporter(port=None), CanarySettings(every_s=0.1))
canary = await watch.__aenter__()
await canary.wait_serving(messages=20)
watch_panel = WatchPanel(canary)
watch_panel.widget"""

_SEND = """\
await channel.broadcast("cart", {"item": "tea", "amount": 2})
await channel.broadcast("note", {"text": "<b>bold</b> and long " + "x" * 300})"""

#: To be run in the last cell: rows for the subscription.
WRITE = """\
import psycopg

async with await psycopg.AsyncConnection.connect(target.database_url) as database:
    await database.execute("insert into events (room_id) select 1 from generate_series(1, 5)")"""

#: To be run in the last cell: what a panel that is gone must have taken with it.
ALIVE = """\
import asyncio
from ipywidgets.widgets import widget

work = [task for task in asyncio.all_tasks() if "Panel" in task.get_coro().__qualname__]
print(f"{len(widget._instances)} widgets, {len(work)} tasks of panels")"""


class Cell(IntEnum):
    """The stage's code cells, counted from 0."""

    SETUP = 0
    STATUS = 1
    SWITCHBOARD = 2
    TAIL = 3
    SEND = 4
    LOAD = 5
    WATCH = 6
    ASK = 7


PANELS = (Cell.STATUS, Cell.SWITCHBOARD, Cell.TAIL, Cell.LOAD, Cell.WATCH)

_SOURCES = {
    Cell.SETUP: _SETUP,
    Cell.STATUS: "status = StatusPanel(subscription, road)\nstatus.widget",
    Cell.SWITCHBOARD: "board = Switchboard(road)\nboard.widget",
    Cell.TAIL: "tail = EventTail(channel)\ntail.widget",
    Cell.SEND: _SEND,
    Cell.LOAD: "load = LoadPanel(target)\nload.widget",
    Cell.WATCH: _WATCH,
    Cell.ASK: 'print("what a test wants to know is written here")',
}


def write_stage(folder: Path) -> None:
    """Write the notebook, without outputs."""
    stage = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(_SOURCES[cell]) for cell in Cell])
    stage.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    nbformat.write(stage, folder / STAGE)
