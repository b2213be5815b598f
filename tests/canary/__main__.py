"""`python -m tests.canary --minutes 30`: a canary under random outages, and how well it tells them."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.canary.truth import Finding, slope_bytes_per_minute, watch_under_faults

TOLERANCE_S = 1.0
UPTIME_TOLERANCE = 0.001


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.canary", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    finding = asyncio.run(watch_under_faults(60 * arguments.minutes, arguments.seed, print))
    return report(finding)


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
    half = len(finding.resident_bytes) // 2
    for name, points in (("all", finding.resident_bytes), ("second half", finding.resident_bytes[half:])):
        print(f"memory, {name}: {slope_bytes_per_minute(points) / 1024:+.1f} KiB/min")
    holds = not wrong and abs(finding.uptime - finding.true_uptime) <= UPTIME_TOLERANCE
    print("everything held" if holds else "IT DID NOT HOLD")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
