"""Runs all notebooks, several times in a row, and tells which claims did not hold in which run."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from helpers.places import repository_root
from tests.workshop.running import Outcome, run_notebook


def chosen(names: Sequence[str], *, experiments: bool) -> list[Path]:
    """The notebooks whose names hold one of these texts, all of them if there is none."""
    home = repository_root() / "notebooks"
    found = sorted(home.glob("*.ipynb")) + (sorted(home.glob("experiments/*.ipynb")) if experiments else [])
    return [path for path in found if not names or any(name in path.name for name in names)]


async def repeat(paths: Sequence[Path], times: int, *, learners: bool, done: list[Outcome]) -> None:
    """Run all of them, so many times, and say how each went; what was run stands in `done`, even if it is ended."""
    for number in range(1, times + 1):
        with tempfile.TemporaryDirectory(prefix="workbook-pass-") as kept:
            for path in paths:
                done.append(await run_notebook(path, number, Path(kept), learners=learners))
                print(done[-1], flush=True)


def summary(done: Sequence[Outcome]) -> str:
    """For each notebook its times, and how many of its claims held in each run."""
    lines = [f"{'notebook':<36}{'seconds':>16}   claims that held, run by run"]
    for name in dict.fromkeys(one.notebook for one in done):
        runs = [one for one in done if one.notebook == name]
        seconds = f"{min(one.seconds for one in runs):.0f} to {max(one.seconds for one in runs):.0f}"
        held = ", ".join("stopped" if one.stopped else f"{one.asked - len(one.wrong)} of {one.asked}" for one in runs)
        lines.append(f"{name:<36}{seconds:>16}   {held}")
    wrong, asked = sum(len(one.wrong) for one in done), sum(one.asked for one in done)
    stopped = sum(bool(one.stopped) for one in done)
    return "\n".join([*lines, f"{asked - wrong:,} of {asked:,} claims held, {stopped} of {len(done)} runs stopped"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.workshop", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only notebooks whose names hold this")
    parser.add_argument("--times", type=int, default=1, metavar="N", help="how often, in a row (default: 1)")
    parser.add_argument("--experiments", action="store_true", help="the experiments as well")
    parser.add_argument("--learners", action="store_true", help="the learners' versions: no exercise may pass unsolved")
    arguments = parser.parse_args()
    paths = chosen(arguments.names, experiments=arguments.experiments)
    if not paths:
        parser.error("no notebook has such a name (those of experiments are looked at with --experiments)")
    done: list[Outcome] = []
    try:
        asyncio.run(repeat(paths, arguments.times, learners=arguments.learners, done=done))
    except KeyboardInterrupt:
        print("\nInterrupted.")
        return 130
    finally:
        print(f"\n{summary(done)}" if done else "")
    return 0 if all(one.holds for one in done) else 1


if __name__ == "__main__":
    sys.exit(main())
