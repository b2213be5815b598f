"""Accounts through the official JavaScript client, unmodified, on Node, with both generations of keys."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from helpers.lab import Lab
from helpers.node import node_environment, node_executable, npm_parts

SCRIPT = Path(__file__).with_name("official_client.mjs")
LIMIT = 60.0


async def run_script(**arguments: Any) -> Any:
    """Run the script, and return what it prints as JSON."""
    parts = await asyncio.to_thread(npm_parts)
    process = await asyncio.create_subprocess_exec(
        str(node_executable()), str(SCRIPT), str(parts), json.dumps(arguments),
        env=node_environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        output, errors = await asyncio.wait_for(process.communicate(), LIMIT)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    return json.loads(output)


@pytest.mark.parametrize("key", ["secret_key", "service_role_key"])
async def test_admin_creates_a_user_who_signs_in(lab: Lab, email: str, key: str) -> None:
    """A user made by the admin API signs in, is listed with the right total, and can be deleted."""
    info = lab.info
    seen = await run_script(url=info["api_url"], key=info[key], clientKey=info["publishable_key"], email=email)
    assert seen["signedIn"] == seen["created"]
    assert seen["metadata"] == {"name": "Grace"}
    assert seen["created"] in seen["listed"]
    assert seen["total"] >= len(seen["listed"])
    assert seen["afterwards"] == "user_not_found"
