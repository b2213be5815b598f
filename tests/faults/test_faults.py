"""A mirror under each fault, and under a few at random. `python -m tests.faults` runs hundreds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from helpers.errors import SettingsError
from helpers.lab.faults import FAULTS, Scene
from tests.faults.trial import new_scene, play


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene() -> AsyncIterator[Scene]:
    """One lab for all of them: every run begins with what the one before has left."""
    scene = await new_scene()
    yield scene
    await scene.aclose()


#: A run is a second by itself, whatever happens in it.
TOGETHER = 3

RUNS = [tuple(FAULTS)[first : first + TOGETHER] for first in range(0, len(FAULTS), TOGETHER)]


@pytest.mark.parametrize("names", RUNS, ids=", ".join)
async def test_the_mirror_equals_the_table_after(scene: Scene, names: tuple[str, ...]) -> None:
    """Nothing lost, nothing applied twice, and each row's changes in their order."""
    run = await play(scene, RUNS.index(names), [FAULTS[name] for name in names], lasting_s=(0.05, 0.3))
    assert run.held, str(run)
    assert run.changes > 0


def test_a_scene_without_an_application_says_what_it_needs() -> None:
    """Some faults happen to a process, and a scene need not have one."""
    assert [fault.name for fault in FAULTS.values() if fault.needs_application]
    with pytest.raises(SettingsError, match=r"scene\.application"):
        _ = Scene().application
