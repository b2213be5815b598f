"""The converter, with the supabase-js of today between it and the server."""

from __future__ import annotations

import psycopg

from helpers.lab import Lab
from tests.sync.typescript.project import HERE, Project, running


async def test_what_it_converts_is_what_prisma_reads_and_the_rest_it_names(lab: Lab, odd_project: Project) -> None:
    """No value is converted to another one: each row is exact, or its doubtful columns are told."""
    async with await psycopg.AsyncConnection.connect(lab.info["database_url"], autocommit=True) as connection:
        await connection.execute((HERE / "odd.sql").read_text())
        try:
            async with running(odd_project, "convert_odd", lab) as program:
                result = await program.hear("result")
        finally:
            await connection.execute("drop schema odd cascade")
    assert result["stream"] == {
        "plain": ["exact"],  # 30 digits, which the payload's number cannot hold: whatever it says, it is doubtful
        "largest safe": ["exact"],
        "unsafe": ["the class's", "exact"],
        "least": ["the class's", "exact", "numbers"],
        "digits": ["exact"],
        "price": ["exact"],
        "quote ' \" \\ ü 🎉": ["exact"],
        "bytes": ["exact"],
        "no bytes": ["exact"],
        "times": ["exact"],
        "json null": ["exact"],
        "json text": ["exact", "meta"],
        "json number": ["exact", "meta"],
        "micro": ["exact"],
        "not finite": ["exact", "moment"],
    }
    doubtful = {name: columns for name, columns in result["log"].items() if columns != "exact"}
    assert doubtful == {"not finite": ["double", "moment"]}
    assert len(result["log"]) == len(result["stream"])
    assert (result["rewritten"], result["unknown"], result["left"]) == ([], [], 0)
