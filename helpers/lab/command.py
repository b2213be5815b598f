"""`workbook lab`: one lab in the foreground, for any application on this machine."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import signal
import sys
import time
from typing import Any

import msgspec

from helpers.errors import LabError
from helpers.lab.lab import Lab
from helpers.lab.settings import LabSettings

__all__ = ["lab_command"]

#: How often it is looked whether the lab still lives, in seconds.
_WATCH = 0.5
_LABELS = {
    "api_url": "API URL",
    "publishable_key": "Publishable key",
    "secret_key": "Secret key",
    "anon_key": "anon key",
    "service_role_key": "service_role key",
    "jwt_secret": "JWT secret (HS256)",
    "database_url": "Database URL",
}


def lab_command(arguments: argparse.Namespace) -> int:
    """Start a lab, print how to reach it, and serve until Ctrl-C or SIGTERM.

    Args:
        arguments: `json`, `port`, `db_port`, `data` and `settings`; what is given beats the settings file.

    Raises:
        WorkbookError: the lab could not start, or broke.
    """
    return asyncio.run(_serve(_settings(arguments), as_json=arguments.json))


def _settings(arguments: argparse.Namespace) -> LabSettings:
    settings = LabSettings.from_file(arguments.settings) if arguments.settings else LabSettings()
    given = {"port": arguments.port, "db_port": arguments.db_port, "data_dir": arguments.data}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value}
    return dataclasses.replace(settings, **changes)


async def _serve(settings: LabSettings, *, as_json: bool) -> int:
    began = time.monotonic()
    async with Lab(settings) as lab:
        ending = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, ending.set)
        _print(_json(lab) if as_json else _text(lab, time.monotonic() - began))
        while not ending.is_set():
            if not lab.running:
                raise LabError("running the lab", "one of its processes ended", f"Read its log: {lab.log}")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ending.wait(), _WATCH)
    if not as_json:
        _print("The lab has ended.")
    return 0


def _json(lab: Lab) -> str:
    return msgspec.json.encode(lab.info).decode()


def _text(lab: Lab, seconds: float) -> str:
    """The keys in full: they are this lab's own, and meant to be copied."""
    lines = [f"Supabase is ready ({seconds:.1f} s), for programs on this machine. Ctrl-C ends it.", ""]
    lines += [f"  {label:<20}{lab.info[name]}" for name, label in _LABELS.items()]
    return "\n".join([*lines, "", f"  {'Log':<20}{lab.log}"])


def _print(text: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
