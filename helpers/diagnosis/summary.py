"""A diagnosis for the shell: the cause first, then what needs attention, and of the rest only how much there is."""

from __future__ import annotations

from itertools import groupby

from helpers.diagnosis.render import SIGNS, check_as_text, counted, layer_as_text, measured
from helpers.diagnosis.results import Check, Diagnosis, Status

__all__ = ["as_summary"]


def as_summary(diagnosis: Diagnosis, *, everything: bool = False) -> str:
    """The text that a person reads in a terminal; its first line is the headline.

    Args:
        diagnosis: what to tell.
        everything: also each check that is fine or could not be made.
    """
    told = [check for check in diagnosis.ranked if everything or check.status not in (Status.OK, Status.SKIPPED)]
    lines = [diagnosis.headline, measured(diagnosis), "", *map(layer_as_text, diagnosis.layers), ""]
    lines += [line for check in told for line in (check_as_text(check), "")]
    return "\n".join(lines + ([] if everything else _rest(diagnosis))).rstrip()


def _rest(diagnosis: Diagnosis) -> list[str]:
    """One line for the checks that are fine, and one for each reason why some were not made."""
    fine = sum(check.status is Status.OK for check in diagnosis.checks)
    skipped = sorted((check for check in diagnosis.checks if check.status is Status.SKIPPED), key=_reason)
    lines = [f"{SIGNS[Status.OK]:<10} {counted(fine, 'check')}"]
    for reason, group in groupby(skipped, key=_reason):
        lines.append(f"{SIGNS[Status.SKIPPED]:<10} {counted(len(list(group)), 'check')}, because {reason}")
    return lines


def _reason(check: Check) -> str:
    """Why it was not made; a finding that only follows from another is told in its own words."""
    return check.evidence.removeprefix("not checked, because ")
