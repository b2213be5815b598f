"""Whatever is asked, the answer is what the lab then does."""

from __future__ import annotations

import os
import random

from tests.diagnosis.arrival.court import Court
from tests.diagnosis.arrival.scenes import scenes

CASES = 250


async def test_generated_cases(court: Court) -> None:
    """Tables, policies, roles, filters and changes of a random seed, which WORKBOOK_SEED fixes; none disagrees."""
    seed = int(os.environ.get("WORKBOOK_SEED") or random.randrange(1_000_000))
    print(f"seed {seed}: python -m tests.diagnosis.arrival --cases {CASES} --seed {seed}")
    before = court.cases
    for scene in scenes(seed, CASES):
        await court.try_scene(scene)
        assert not court.disagreements, f"seed {seed}\n{court.disagreements[0]}"
    assert court.cases - before >= CASES
    assert len(court.causes) > 6, "the cases are too much alike to tell anything"
