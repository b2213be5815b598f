"""Refetching, writing, the optimistic store, the outbox and the hook."""

from __future__ import annotations

import asyncio
import json

from helpers.lab import Lab
from helpers.lab.network import Ending, network
from helpers.prisma import deploy_migrations
from tests.sync.typescript.project import Project, running


async def test_each_pattern_keeps_its_promises(lab: Lab, project: Project) -> None:
    """All checks of `checks/patterns.ts` pass on Node, against the lab's database."""
    await asyncio.to_thread(deploy_migrations, lab.info["database_url"], "public")
    async with running(project, "patterns", lab) as program:
        output, errors = await asyncio.wait_for(program.process.communicate(), 120)
    said = [json.loads(line) for line in output.splitlines()]
    assert [line["failed"] for line in said if "failed" in line] == []
    assert {"end": True} in said, errors.decode()
    assert len([line for line in said if "passed" in line]) == 14


async def test_the_hook_shows_what_is_there_and_leaves_when_nobody_looks(lab: Lab, project: Project) -> None:
    """In StrictMode it joins once, shows each change, comes back after a cut, and changes rooms with its filter."""
    await asyncio.to_thread(deploy_migrations, lab.info["database_url"], "public")
    async with network(lab.target) as via, running(project, "hook", lab, via.target.api_url) as program:
        await program.hear("cut")
        via.cut(Ending.RESET)
        program.say("cut")
        assert await program.hear("result") == "passed"
