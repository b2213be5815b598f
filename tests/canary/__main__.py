"""How well a canary tells outages, and whether it stays small and alive meanwhile.

python -m tests.canary --minutes 30
python -m tests.canary --minutes 10 --fast
python -m tests.canary --every-fault
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.canary.memory import flatness
from tests.canary.survival import survive
from tests.canary.truth import FAST, Finding, watch_under_faults

TOLERANCE_S = 1.0
UPTIME_TOLERANCE = 0.001


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.canary", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fast", action="store_true", help="some thirty outages a minute, for what they leave behind")
    parser.add_argument("--every-fault", action="store_true", help="each fault of the lab in turn, once")
    arguments = parser.parse_args()
    if arguments.every_fault:
        wrong = asyncio.run(survive(say=_say)).wrong
        print(*wrong or ["everything held"], sep="\n")
        return 1 if wrong else 0
    pace = FAST if arguments.fast else None
    finding = asyncio.run(watch_under_faults(60 * arguments.minutes, arguments.seed, _say, pace))
    return report(finding)


def _say(line: str) -> None:
    print(line, flush=True)


def report(finding: Finding) -> int:
    """Print it; 0 if all holds."""
    wrong = finding.wrong(TOLERANCE_S)
    off = sorted(abs(told.seconds - one.seconds) for one, told in finding.pairs() if told is not None)
    print(f"{len(finding.injected)} outages injected, {len(finding.told)} told; {len(wrong)} wrong")
    print(*wrong, sep="\n")
    print(f"difference in length: median {off[len(off) // 2]:.3f} s, worst {off[-1]:.3f} s")
    print(f"uptime told {100 * finding.uptime:.3f} %, injected {100 * finding.true_uptime:.3f} %")
    print(f"watched {finding.watched_s:,.0f} s, lost beside outages {finding.lost}, disconnects {finding.reasons}")
    print(f"outages of the channel of changes: {len(finding.changes)}")
    memory = flatness(finding.looks, finding.pace.settings)
    print(memory)
    is_told = not wrong and (finding.pace is FAST or abs(finding.uptime - finding.true_uptime) <= UPTIME_TOLERANCE)
    holds = is_told and memory.is_flat
    print("everything held" if holds else "IT DID NOT HOLD")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
