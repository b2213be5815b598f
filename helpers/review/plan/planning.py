"""The plan of a reviewed application: every change proposed, replayed, and sorted by what the replay showed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

from helpers.errors import WorkbookError
from helpers.lab import Lab
from helpers.review.inventory import Inventory
from helpers.review.plan.gains import ChangeGain, gain_of
from helpers.review.plan.model import Change, Plan, composed
from helpers.review.plan.proposing.application import application_of
from helpers.review.plan.proposing.broadcasting import broadcast_proposals
from helpers.review.plan.proposing.findings import Found, propose
from helpers.review.plan.proposing.proposal import Proposal, part_of
from helpers.review.plan.replay.comparing import MESSAGES, Arrangement, Scale, compare_arrangements
from helpers.review.plan.replay.lab import replay_lab
from helpers.review.plan.rewriting.edits import Edit, collides
from helpers.review.plan.rewriting.sources import Sources
from helpers.review.plan.usage import Usage

__all__ = ["make_plan"]

AFTER = "after"
UNASKED = "it was not asked for"


async def make_plan(
    inventory: Inventory,
    findings: Iterable[Found],
    *,
    usage: Usage | None = None,
    scale: Scale | None = None,
    lab: Lab | None = None,
    measure: bool | Sequence[str] = True,
) -> Plan:
    """Propose changes, measure each against the application as it is, and keep those that pay.

    Args:
        findings: of the review's rules, those that were silenced left out.
        usage: how much the application is used; assumed where nothing is stated.
        scale: of the replays, small by default; `Scale()` is for quoting.
        lab: to measure in, one without quotas (`replay_lab`); by default one of its own.
        measure: False proposes only; ids of changes measure these alone.

    Returns:
        The plan. A change that could not be replayed is in it as not measured, with the reason.

    Raises:
        LabError, NodeError: the lab did not start.
    """
    usage = usage or Usage()
    proposals, sources = propose(inventory, findings, usage)
    whole = application_of(inventory, usage)
    if measure is False:
        return _planned(_Measured(proposals), sources, usage)
    scale = scale or Scale.of()
    async with AsyncExitStack() as stack:
        place = lab if lab is not None else await stack.enter_async_context(replay_lab())
        measured = _Measured(proposals)
        for proposal in proposals:
            if measure is True or proposal.id in measure:
                await _measure(place, whole, proposal, usage, scale, measured)
            elif proposal.apply is not None:
                measured.reasons[proposal.id] = UNASKED
        if measure is True:
            await _measure_rest(place, inventory, whole, usage, scale, measured)
    return _planned(measured, sources, usage)


@dataclass(slots=True)
class _Measured:
    """What has been measured so far: gains, and why there are none, by the ids of proposals."""

    proposals: tuple[Proposal, ...]
    gains: dict[str, ChangeGain] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    together: ChangeGain | None = None

    def pays(self, proposal: Proposal) -> bool:
        """Whether its gain is shown."""
        return proposal.id in self.gains and self.gains[proposal.id].shown


async def _measure(
    lab: Lab, whole: Arrangement, proposal: Proposal, usage: Usage, scale: Scale, measured: _Measured
) -> None:
    """One change against the part of the application that it is about."""
    if proposal.apply is None:
        return
    before = part_of(whole, proposal.streams)
    if not before.subscriptions.screens:
        measured.reasons[proposal.id] = "no screen that could be replayed is concerned"
        return
    try:
        after = proposal.apply(before)
        measured.gains[proposal.id] = await _gain(lab, proposal.id, before, after, proposal.chosen, usage, scale)
    except WorkbookError as error:
        measured.reasons[proposal.id] = error.happened


async def _gain(
    lab: Lab, name: str, before: Arrangement, after: Arrangement, chosen: str, usage: Usage, scale: Scale
) -> ChangeGain:
    experiment = await compare_arrangements(lab, name, before, {AFTER: after}, usage, scale=scale)
    return gain_of(experiment, AFTER, chosen, before.subscriptions, usage)


async def _measure_rest(
    lab: Lab, inventory: Inventory, whole: Arrangement, usage: Usage, scale: Scale, measured: _Measured
) -> None:
    """What all changes bring together, and what broadcasting would on top of them."""
    better, streams = whole, list[str]()
    for proposal in measured.proposals:
        if proposal.apply is not None and proposal.edits and measured.pays(proposal):
            better = proposal.apply(better)
            streams += proposal.streams
    broadcasts = broadcast_proposals(inventory, better)
    measured.proposals = (*measured.proposals, *broadcasts)
    for proposal in broadcasts:
        await _measure(lab, better, proposal, usage, scale, measured)
    if streams:
        with suppress(WorkbookError):  # each by itself could be measured; together is for the reader's comfort
            before, after = part_of(whole, streams), part_of(better, streams)
            measured.together = await _gain(lab, "all together", before, after, MESSAGES, usage, scale)


def _planned(measured: _Measured, sources: Sources, usage: Usage) -> Plan:
    """Sorted: what pays or makes something work, what does not pay, and what nobody knows."""
    kept = [one for one in measured.proposals if measured.pays(one) or (one.apply is None and one.edits)]
    idle = [one for one in measured.proposals if one.id in measured.gains and not measured.pays(one)]
    rest = [one for one in measured.proposals if one not in kept and one not in idle]
    changes, notes = _composed([*kept, *rest], measured, sources)
    return Plan(
        changes=changes[: len(kept)],
        not_gaining=tuple(_change(one, measured, sources.texts) for one in idle),
        not_measured=changes[len(kept) :],
        together=measured.together,
        usage=usage.source,
        notes=notes,
    )


def _composed(
    proposals: Sequence[Proposal], measured: _Measured, sources: Sources
) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Each diff against the state after those before it; a change that collides with an earlier one has none there."""
    taken: list[Edit] = []
    edited, notes = [], []
    for proposal in proposals:
        clashes = collides(taken, proposal.edits)
        if clashes:
            notes.append(
                f"{proposal.title} ({proposal.place}) edits what an earlier change takes away: apply it alone."
            )
        edited.append(() if clashes else proposal.edits)
        taken += edited[-1]
    diffs = composed(sources.texts, edited)
    if any(_has_longer_lines(diff, sources.texts) for diff, _ in diffs):
        notes.append("Some lines are longer than any before: run the formatter of the code base on them.")
    changes = tuple(
        _change(proposal, measured, sources.texts, diff or None)
        for proposal, (diff, _) in zip(proposals, diffs, strict=True)
    )
    return changes, tuple(notes)


def _has_longer_lines(diff: str, texts: Mapping[str, str]) -> bool:
    """Whether a diff adds a line that is longer than all in the files that are edited."""
    longest = max((len(line) for text in texts.values() for line in text.splitlines()), default=0)
    is_edit = "new file mode" not in diff
    return is_edit and any(len(line) > longest + 1 for line in diff.splitlines() if line.startswith("+"))


def _change(proposal: Proposal, measured: _Measured, texts: Mapping[str, str], diff: str | None = None) -> Change:
    alone = composed(texts, [proposal.edits])[0][1] if proposal.edits else None
    unreplayed = "" if proposal.apply or proposal.edits else "replays do not know it"
    reason = measured.reasons.get(proposal.id, unreplayed)
    advice = " ".join(filter(None, [proposal.advice, f"Not measured: {reason}." if reason else ""]))
    return Change(
        id=proposal.id,
        kind=proposal.kind,
        title=proposal.title,
        place=proposal.place,
        findings=proposal.rules,
        diff=diff,
        alone=alone,
        sql="\n\n".join(proposal.sql) or None,
        gain=measured.gains.get(proposal.id),
        advice=advice,
        edits=proposal.edits,
    )
