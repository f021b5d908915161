"""Documents are fetched over https from where their names say, from nowhere that is private, and not twice at once."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.x509.oid import NameOID

from waggledance.core import Key
from waggledance.gateways import NoDocument, WbaDid, WebDocuments, Webhooks, did_document
from waggledance.gateways._anp_document import MAX_DOCUMENT_BYTES

KEY = Key(b"k" * 32)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate for this machine, with its key, that signs itself."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "cert.pem"
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(made.public_bytes(pem) + secret)
    return file


class Site:
    """A web site of this machine, over TLS, that gives one answer, and remembers what was asked."""

    def __init__(self, body: bytes, status: str = "200 OK", more: str = "") -> None:
        self.port, self.asked, self._body, self._status, self._more = 0, list[str](), body, status, more

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.read(4_096)
        if head.startswith(b"GET "):
            self.asked.append(head.split(b" ")[1].decode())
        written = (
            f"HTTP/1.1 {self._status}\r\ncontent-length: {len(self._body)}\r\nconnection: close\r\n{self._more}\r\n"
        )
        writer.write(written.encode() + self._body)
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def open(self, certificate: Path, *, tls: bool = True) -> AsyncGenerator[Site]:
        context = None
        if tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, ssl=context)
        async with server:
            self.port = server.sockets[0].getsockname()[1]
            yield self


@asynccontextmanager
async def documents(certificate: Path | None, webhooks: Webhooks | None = None) -> AsyncGenerator[WebDocuments]:
    trust = None if certificate is None else ssl.create_default_context(cafile=str(certificate))
    web = WebDocuments(webhooks or Webhooks(loopback=True), trust=trust)
    try:
        yield web
    finally:
        await web.aclose()


async def test_a_document_is_fetched_where_its_name_says_and_kept_for_a_while(certificate: Path) -> None:
    did = WbaDid("localhost", None, ("alice",))
    raw = did_document(KEY.peer, did)
    async with Site(raw).open(certificate) as site, documents(certificate) as web:
        here = WbaDid("localhost", site.port, ("alice",))
        assert await asyncio.gather(web(here), web(here)) == [raw, raw]
        assert await web(here) == raw
        assert site.asked == ["/alice/did.json"]


async def test_attack_d13_a_name_that_points_into_our_own_network_is_not_connected_to(certificate: Path) -> None:
    async with Site(b"{}").open(certificate) as site, documents(certificate, Webhooks()) as web:
        with pytest.raises(NoDocument, match="not a public address"):
            await web(WbaDid("localhost", site.port))
        assert site.asked == []


@pytest.mark.parametrize(
    ("site", "why"),
    [
        (Site(b"", "404 Not Found"), "answers 404"),
        (Site(b"", "302 Found", "location: https://127.0.0.1/\r\n"), "answers 302"),
        (Site(b" " * (MAX_DOCUMENT_BYTES + 1)), "is over"),
    ],
)
async def test_what_is_no_answer_or_too_large_or_elsewhere_is_no_document(
    site: Site, why: str, certificate: Path
) -> None:
    async with site.open(certificate), documents(certificate) as web:
        did = WbaDid("localhost", site.port)
        for _ in range(2):
            with pytest.raises(NoDocument, match=why):
                await web(did)
        assert len(site.asked) == 1, "a name that failed is not asked again at once"


async def test_a_site_without_tls_or_with_a_certificate_of_its_own_is_not_believed(certificate: Path) -> None:
    async with Site(b"{}").open(certificate, tls=False) as plain, documents(certificate) as web:
        with pytest.raises(NoDocument):
            await web(WbaDid("localhost", plain.port))
        assert plain.asked == []
    async with Site(b"{}").open(certificate) as unknown, documents(None) as web:
        with pytest.raises(NoDocument, match="CERTIFICATE_VERIFY_FAILED"):
            await web(WbaDid("localhost", unknown.port))
        assert unknown.asked == []
