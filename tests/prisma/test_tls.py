"""A database behind TLS, as every hosted one is: the lab's PostgreSQL behind a proxy that speaks it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from helpers.errors import PrismaError
from helpers.prisma import prisma_client
from helpers.target import Target

SSL_REQUEST = bytes.fromhex("0000000804d2162f")


def certify(folder: Path) -> Path:
    """A key and a certificate that nobody but itself has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    no_password = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, no_password)
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return pem


class TlsProxy:
    """Answers PostgreSQL's request for TLS with yes, and passes on what comes through; `secured` counts connections."""

    def __init__(self, pem: Path, port: int) -> None:
        self.pem = pem
        self.secured = 0
        self._port = port
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(pem)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST:
                writer.write(b"S")
                await writer.start_tls(self._context)
                self.secured += 1
                inner, outer = await asyncio.open_connection("127.0.0.1", self._port)
                await asyncio.gather(self._pass_on(reader, outer), self._pass_on(inner, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(chat: Target, tmp_path: Path) -> AsyncIterator[tuple[TlsProxy, Target]]:
    """The proxy, and the lab's database behind it."""
    assert chat.database_url
    parts = urlsplit(chat.database_url)
    proxy = TlsProxy(certify(tmp_path), parts.port or 5432)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield proxy, replace(chat, database_url=chat.database_url.replace(f":{parts.port}/", f":{port}/"))
    server.close()


@pytest.mark.parametrize(
    "mode", ["", "sslmode=prefer", "sslmode=require", "sslmode=require&sslaccept=accept_invalid_certs"]
)
async def test_tls_is_used_where_the_server_has_it(proxy: tuple[TlsProxy, Target], mode: str) -> None:
    """As with Prisma's own engine, a certificate of an unknown authority is accepted unless the URL says strict."""
    counter, target = proxy
    client = await prisma_client(replace(target, database_url=f"{target.database_url}?{mode}"))
    assert await client.room.count() >= 5
    await client.disconnect()
    assert counter.secured >= 2


async def test_a_strict_client_refuses_a_certificate_that_it_does_not_know(proxy: tuple[TlsProxy, Target]) -> None:
    """With the reason."""
    _, target = proxy
    with pytest.raises(PrismaError, match="self-signed certificate"):
        await prisma_client(replace(target, database_url=f"{target.database_url}?sslmode=require&sslaccept=strict"))


async def test_a_strict_client_accepts_the_authority_that_it_is_given(proxy: tuple[TlsProxy, Target]) -> None:
    """`sslcert` names its certificate."""
    counter, target = proxy
    strict = f"{target.database_url}?sslmode=require&sslaccept=strict&sslcert={counter.pem}"
    client = await prisma_client(replace(target, database_url=strict))
    assert await client.room.count() >= 5
    await client.disconnect()


async def test_a_server_without_tls_is_refused_where_tls_is_required(chat: Target) -> None:
    """Nothing is sent in the clear then."""
    with pytest.raises(PrismaError, match="does not support SSL"):
        await prisma_client(replace(chat, database_url=f"{chat.database_url}?sslmode=require"))
