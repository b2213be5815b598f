"""A short siege of a lab; `python -m tests.fuzz` is the long one."""

from __future__ import annotations

import re

import aiohttp

from tests.fuzz.attacks import ATTACKS
from tests.fuzz.siege import Siege


async def test_a_lab_holds_out() -> None:
    """Honest clients notice nothing, forged tokens and SQL do nothing, and every attack has struck."""
    async with Siege(seed=1) as siege:
        await siege.run(15)
        assert siege.toll.attacks.keys() == ATTACKS.keys()
        assert siege.toll.rounds > 1
        headers = {"Authorization": f"Bearer {siege.lab.info['secret_key']}"}
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{siege.lab.info['api_url']}/metrics", headers=headers) as response,
        ):
            text = await response.text()
    for name in (
        "lab_slow_readers_total",
        "lab_malformed_messages_total",
        'lab_handshakes_refused_total{status="401"}',
    ):
        found = re.search(rf"^{re.escape(name)} (\d+)$", text, re.MULTILINE)
        assert found, name
        assert int(found[1]) > 0, name
