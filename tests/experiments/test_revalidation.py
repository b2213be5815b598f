"""Taking a row from its change, or reading it again, on the lab."""

from __future__ import annotations

from dataclasses import replace

import pytest_asyncio

from helpers.experiments import Experiment, compare_revalidation
from helpers.experiments.revalidation import BYTES, COALESCED, EACH, PAYLOAD, QUERIES, WRONG
from helpers.profiling.results import Skipped
from helpers.target import Target
from tests.chat import chat_in


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def found(target: Target) -> Experiment:
    async with chat_in(target, "revalidation") as chat:
        experiment = await compare_revalidation(chat, rounds=1, changes=60)
        assert isinstance(experiment, Experiment)
        return experiment


def test_coalescing_saves_queries_and_the_payload_needs_none(found: Experiment) -> None:
    """A query for each change, one for those that come together, or none."""
    payload, each, coalesced = (found.estimate(arm, QUERIES.name).mean for arm in (PAYLOAD, EACH, COALESCED))
    assert payload == 0
    assert each >= 100
    assert 0 < coalesced <= each / 5


def test_what_is_read_again_is_exact_and_a_payload_in_javascript_is_not(found: Experiment) -> None:
    """The prices have more digits than a double."""
    wrong = [found.estimate(arm, WRONG.name).mean for arm in (PAYLOAD, EACH, COALESCED)]
    assert wrong[0] > 1
    assert wrong[1:] == [0, 0]


def test_a_change_that_brings_its_key_only_is_smaller(found: Experiment) -> None:
    """Together with the row that is read, as rows that change often are read less often."""
    assert found.estimate(COALESCED, BYTES.name).mean < found.estimate(PAYLOAD, BYTES.name).mean


def test_the_answer_is_computed(found: Experiment) -> None:
    """From the numbers of these runs."""
    ratio = found.estimate(EACH, QUERIES.name).mean / found.estimate(COALESCED, QUERIES.name).mean
    assert f"sends {ratio:.1f}." in found.answer


async def test_a_target_that_cannot_be_written_to_is_skipped(target: Target) -> None:
    """With what to set."""
    skipped = await compare_revalidation(replace(target, writes_allowed=False))
    assert isinstance(skipped, Skipped)
