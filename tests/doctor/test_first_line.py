"""The first line of `workbook doctor` names the cause, whatever is broken."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from helpers.lab import Lab
from helpers.lab.keys import mint
from helpers.lab.network import BLACK_HOLE, STRIPPED_UPGRADE, TlsFault, network, tls_front
from tests.doctor.conftest import Command

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_wrong_key(command: Command, practice: Lab) -> None:
    """The key of another project: the signature does not fit."""
    told = await command("doctor", target=replace(practice.target, publishable_key=mint("x" * 40, "anon")))
    assert told.code == 1, told.err
    assert told.first.startswith("The server refuses the key: its signature does not fit")


async def test_an_expired_key(command: Command, practice: Lab) -> None:
    """A key whose time is over."""
    expired = practice.token("anon", lifetime_s=-60)
    told = await command("doctor", target=replace(practice.target, publishable_key=expired))
    assert told.code == 1, told.err
    assert "expired" in told.first


async def test_an_expired_token(command: Command, practice: Lab) -> None:
    """A user's token whose time is over, while the key is good."""
    expired = practice.token("authenticated", lifetime_s=-60)
    told = await command("doctor", target=practice.target, WORKBOOK_USER_TOKEN=expired)
    assert told.code == 1, told.err
    assert "token" in told.first.lower()
    assert "expired" in told.first


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        ("alter publication supabase_realtime drop table shop.orders", ("shop.orders", "publication")),
        ("revoke select on shop.orders from authenticated", ("shop.orders", "SELECT")),
        ("drop policy own on shop.orders", ("shop.orders", "policy")),
    ],
    ids=["not in the publication", "no grant", "row-level security without a policy"],
)
async def test_a_table(
    command: Command, practice: Lab, owner: psycopg.AsyncConnection, breaks: str, words: tuple[str, ...]
) -> None:
    """A table that Realtime cannot show is named with what is missing."""
    await owner.execute(breaks.encode())
    told = await command("doctor", "--table", "shop.orders", target=practice.target)
    assert told.code == 1, told.err
    assert [word for word in words if word not in told.first] == []


async def test_a_healthy_table(command: Command, practice: Lab, owner: psycopg.AsyncConnection) -> None:
    """The same table unbroken: no finding, and the exit code of health."""
    told = await command("doctor", "--table", "shop.orders", target=practice.target)
    assert (told.code, told.first.split(":")[0]) == (0, "Healthy"), told.out


async def test_a_stripped_upgrade(command: Command, practice: Lab) -> None:
    """A proxy that passes HTTP on and takes the `Upgrade` out."""
    async with network(practice.target, STRIPPED_UPGRADE) as via:
        told = await command("doctor", target=via.target)
    assert told.code == 1, told.err
    assert "Upgrade" in told.first


async def test_an_expired_certificate(command: Command, practice: Lab) -> None:
    """The certificate's time is over."""
    async with tls_front(practice.target, TlsFault.EXPIRED) as front:
        told = await command("doctor", target=front.target, SSL_CERT_FILE=str(front.ca_file))
    assert told.code == 1, told.err
    assert "certificate" in told.first
    assert "expired" in told.first


async def test_a_black_hole(command: Command, practice: Lab) -> None:
    """Connections are accepted and nothing ever comes back."""
    async with network(practice.target, BLACK_HOLE) as via:
        told = await command("doctor", target=replace(via.target, database_url=None))
    assert told.code == 1, told.err
    assert "never answers" in told.first
