"""Mutual TLS: who holds a certificate of the swarm's authority gets a link, and nobody else does."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from waggledance.core import PeerId, UsageError, swarm_id
from waggledance.mesh import Tls, ZenohTransport

if TYPE_CHECKING:
    from mesh.conftest import Peers

pytest.importorskip("cryptography", reason="certificates are made with it; the extra a2a brings it")

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID


class Authority(NamedTuple):
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    folder: Path

    @classmethod
    def new(cls, folder: Path, name: str) -> Authority:
        folder = folder / name
        folder.mkdir()
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        certificate = (
            builder(subject, subject, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        (folder / "ca.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return cls(certificate, key, folder)

    def member(self, name: str, address: str = "127.0.0.1", password: bytes | None = None) -> tuple[str, str, str]:
        """Write a member's certificate for an address; return the files of the authority, certificate and key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            builder(subject, self.certificate.subject, key)
            .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        encryption = (
            serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        )  # fmt: skip
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        files = [self.folder / file for file in ("ca.pem", f"{name}.pem", f"{name}.key")]
        files[1].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        files[2].write_bytes(secret)
        return str(files[0]), str(files[1]), str(files[2])


def builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.new(tmp_path, "ours")


@pytest.mark.parametrize("scheme", ["tls", pytest.param("quic", marks=pytest.mark.slow)])
async def test_members_talk_and_strangers_get_no_link(
    peers: Peers, authority: Authority, tmp_path: Path, scheme: str
) -> None:
    others = Authority.new(tmp_path, "others")
    listen = [f"{scheme}/127.0.0.1:0"]
    a = await peers(1, listen=listen, tls=authority.member("a"))
    b = await peers(2, listen=listen, connect=a.listening, tls=authority.member("b"))
    await a.until(lambda seen: seen["up"] == [2])
    # One whose own certificate another authority signed, though it knows ours; and one who also takes us for strangers.
    _, certificate, key = others.member("c")
    c = await peers(3, listen=listen, connect=a.listening, tls=(str(authority.folder / "ca.pem"), certificate, key))
    d = await peers(4, listen=listen, connect=a.listening, tls=others.member("d"))
    # And one who speaks in the clear to the same port.
    e = await peers(5, connect=[endpoint.replace(scheme, "tcp") for endpoint in a.listening])
    for peer in (a, b, c, d, e):
        await peer.send(None, count=20)
    await b.until(lambda seen: seen["received"] == {"1": 20})
    report = await a.until(lambda seen: seen["received"] == {"2": 20})
    assert (report["up"], len(report["links"])) == ([2], 1)
    for stranger in (c, d, e):
        report = await stranger.report()
        assert (report["received"], report["up"]) == ({}, [])


async def test_a_certificate_for_another_address_is_not_believed(peers: Peers, authority: Authority) -> None:
    elsewhere = await peers(1, listen=["tls/127.0.0.1:0"], tls=authority.member("a", address="192.0.2.1"))
    right = await peers(2, listen=["tls/127.0.0.1:0"], tls=authority.member("b"))
    c = await peers(3, connect=elsewhere.listening + right.listening, tls=authority.member("c"))
    await c.until(lambda seen: seen["up"] == [2])
    assert (await elsewhere.report())["up"] == []


async def test_certificates_alone_make_a_peer_listen_encrypted(peers: Peers, authority: Authority) -> None:
    a = await peers(1, tls=authority.member("a"))
    assert a.listening[0].startswith("tls/127.0.0.1:")


@pytest.mark.parametrize(
    ("part", "content", "says"),
    [
        (0, None, "CA file .* cannot be read: No such file"),
        (1, None, "certificate file .* cannot be read"),
        (2, None, "key file .* cannot be read"),
        (0, b"", "holds no certificate"),
        (0, b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds no certificate"),
        (1, b"not PEM", "do not work together"),
        (2, b"not PEM", "do not work together"),
    ],
)
async def test_a_file_that_cannot_serve_is_named(
    authority: Authority, part: int, content: bytes | None, says: str
) -> None:
    files = authority.member("a")
    Path(files[part]).unlink() if content is None else Path(files[part]).write_bytes(content)
    with pytest.raises(UsageError, match=says):
        await ZenohTransport.open(PeerId(bytes([1]) * 32), swarm_id("test"), tls=Tls(*files))


def test_a_key_of_another_certificate_and_an_encrypted_key_are_refused(authority: Authority) -> None:
    ca, certificate, _ = authority.member("a")
    with pytest.raises(UsageError, match="do not work together"):
        Tls(ca, certificate, authority.member("b")[2]).check()
    with pytest.raises(UsageError, match="is encrypted"):
        Tls(*authority.member("c", password=b"secret")).check()


async def test_an_endpoint_in_the_clear_is_refused_where_there_are_certificates(authority: Authority) -> None:
    tls = Tls(*authority.member("a"))
    me, swarm = PeerId(bytes([1]) * 32), swarm_id("test")
    with pytest.raises(UsageError, match="is not encrypted"):
        await ZenohTransport.open(me, swarm, tls=tls, listen=["tcp/127.0.0.1:0"])
    with pytest.raises(UsageError, match="is not encrypted"):
        await ZenohTransport.open(me, swarm, tls=tls, connect=["tcp/127.0.0.1:7447"])
