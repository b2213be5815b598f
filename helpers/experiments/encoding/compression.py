"""permessage-deflate on and off: whether the target agrees to it, and what it would bring and cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from helpers.client import RealtimeClient
from helpers.experiments.answer import leaders
from helpers.experiments.encoding.formats import METRICS, Load, measured
from helpers.experiments.encoding.relay import Compression, Relay, relay
from helpers.experiments.encoding.transfer import transfer
from helpers.experiments.experiment import Experiment, Outcome
from helpers.experiments.rounds import run_rounds
from helpers.experiments.sending import Sender, sending
from helpers.experiments.size import Size, experiment_size
from helpers.profiling.processes import cpu_s
from helpers.profiling.results import Skipped
from helpers.stream import Content, Form
from helpers.target import Target, TargetKind

__all__ = ["compare_compression"]

#: Rounds by size: how often each arm runs.
ROUNDS = {Size.SMALL: 3, Size.FULL: 10}

#: Of records JSON is the form that compresses best, of bytes the one that needs no base64.
_FORMS = {Content.RECORDS: Form.JSON_V2, Content.BYTES: Form.BYTES}

#: As in the comparison of forms, but for the sender, who is not concerned.
_METRICS = tuple(metric for metric in METRICS if metric.name != "sender's CPU")


async def compare_compression(
    target: Target,
    *,
    content: Content | str = Content.RECORDS,
    body_bytes: int = 1_024,
    size: Size | str | None = None,
    rounds: int | None = None,
) -> Experiment | Skipped:
    """Receive the same stream through a relay, compressed and not.

    Realtime itself agrees to no compression (the answer says whether this target did), so a process of ours stands in
    front of it; "server" is that process. It passes every message on in either case: compression is all that differs.
    No two messages within reach of each other are the same, but they are of one kind, as in an application.

    Args:
        content: records, or random bytes, as pictures and sound are once they are compressed.
        rounds: how often each kind is tried; by default as many as the size asks for.

    Raises:
        SettingsError: the size cannot be sent.
        FailureError: the target refused, or a relay did not start.
    """
    if target.kind is not TargetKind.LAB:
        return Skipped(
            "compression", "it needs a relay in front of the target, and bursts: call it with the lab as its target"
        )
    chosen, kind = experiment_size(size), Content.named(content)
    async with sending(target) as sender, relay(target) as through:
        bench = _Bench(sender, through, _FORMS[kind], body_bytes, Load.of(target, body_bytes, chosen))
        agreed = await _agreed(target)
        return await run_rounds(
            f"compression of {body_bytes:,} bytes of {kind.words}",
            f"Is it worth it to compress {body_bytes:,} bytes of {kind.words}?",
            target,
            {compression.value: partial(bench.run, compression) for compression in Compression},
            metrics=_METRICS,
            rounds=ROUNDS[chosen] if rounds is None else rounds,
            size=chosen,
            answer=lambda experiment: _answer(experiment, agreed),
            settings={"body_bytes": body_bytes, "form": bench.form, "burst": bench.load.burst},
        )


async def _agreed(target: Target) -> str:
    """What the target answers to an offer of permessage-deflate; empty if it passes it over."""
    async with RealtimeClient(target, compression=True) as client:
        return client.compression


@dataclass(frozen=True, slots=True)
class _Bench:
    """What the runs share."""

    sender: Sender
    relay: Relay
    form: Form
    body_bytes: int
    load: Load

    async def run(self, compression: Compression, number: int) -> Outcome:
        steady, burst = self.load.streams(self.form, self.body_bytes)
        assert burst is not None, "it is a lab"
        offers = compression is not Compression.OFF
        via, meter = self.relay.targets[compression], partial(cpu_s, self.relay.process)
        first, second = [
            await transfer(via, self.sender, stream, meter, compression=offers, run=number)
            for stream in (steady, burst)
        ]
        return Outcome(measured(first, second), recording=first.recording)


def _answer(experiment: Experiment, agreed: str) -> str:
    offer = f"The target agreed to “{agreed}”." if agreed else "The target passed over the offer to compress."
    return f"{offer} Where a server does: " + leaders(experiment, [metric.name for metric in _METRICS])
