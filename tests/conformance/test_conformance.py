"""The lab answers as the genuine server did: every recording, replayed."""

from __future__ import annotations

import pytest
import pytest_asyncio

from helpers.lab.conformance.recording import names
from helpers.lab.conformance.run import VERSIONS, Outcome, run_labs

#: All together take a minute and a half on an idle machine.
pytestmark = pytest.mark.timeout(420)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def outcomes() -> dict[str, Outcome]:
    """All recordings, replayed side by side on a dozen labs."""
    done: dict[str, Outcome] = {}
    await run_labs(names(), lambda outcome: done.update({str(outcome.recording): outcome}))
    return done


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("scenario", names())
def test_recording(outcomes: dict[str, Outcome], scenario: str, version: str) -> None:
    """Nothing is missing, too much, different, out of order or at another time, but what is meant to be."""
    outcome = outcomes[f"{scenario}.{version}"]
    assert outcome.frames > 0
    assert "\n".join(map(str, outcome.differences)) == ""
