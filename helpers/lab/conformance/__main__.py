"""`python -m helpers.lab.conformance`: exit code 1 if anything differs that is not meant to."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from helpers.errors import WorkbookError
from helpers.lab.conformance.deliberate import reason_for
from helpers.lab.conformance.recording import names
from helpers.lab.conformance.run import Outcome, Tell, run_given, run_labs
from helpers.lab.conformance.server import GivenServer

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Replay recordings, print a row for each, and return the exit code."""
    arguments = _parser().parse_args(argv)
    table = _Table(show=arguments.show)
    try:
        asyncio.run(_run(arguments, table.add))
    except WorkbookError as error:
        _say(str(error))
        return error.exit_code
    return table.end()


async def _run(arguments: argparse.Namespace, tell: Tell) -> None:
    scenarios = arguments.scenario or names()
    if arguments.server:
        await run_given(scenarios, GivenServer(json.loads(arguments.server.read_text())), tell)
    else:
        await run_labs(scenarios, tell)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m helpers.lab.conformance",
        description="Replay what a genuine Realtime server was sent, and compare what comes back.",
    )
    parser.add_argument(
        "--scenario", action="append", choices=names(), metavar="NAME", help="only this one (may be repeated)"
    )
    parser.add_argument("--show", action="store_true", help="print each difference, and the reasons of those meant")
    parser.add_argument(
        "--server", type=Path, metavar="FILE",
        help="a running server instead of labs: JSON with api_url, jwt_secret and database_url",
    )  # fmt: skip
    return parser


class _Table:
    """A row for each recording as soon as it is done, and what they come to."""

    def __init__(self, *, show: bool) -> None:
        self._show = show
        self._outcomes: list[Outcome] = []
        _say(f"{'scenario':<22} {'version':<8} {'frames':>6} {'differences':>12} {'meant':>6}")

    def add(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        recording, counts = outcome.recording, (outcome.frames, len(outcome.differences), len(outcome.deliberate))
        _say("{:<22} {:<8} {:>6} {:>12} {:>6}".format(recording.scenario, recording.version, *counts))
        for difference in outcome.differences if self._show else ():
            _say(str(difference))
        for difference in outcome.deliberate if self._show else ():
            _say(f"{difference}\n  meant: {reason_for(difference)}")

    def end(self) -> int:
        """The exit code."""
        frames = sum(outcome.frames for outcome in self._outcomes)
        differences = sum(len(outcome.differences) for outcome in self._outcomes)
        _say(f"{len(self._outcomes)} recordings, {frames} frames, {differences} unexplained differences")
        return int(differences > 0)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
