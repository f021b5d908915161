"""Who may be talked to at all: the certificates of a link, read and checked before a session is opened with them."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

from waggledance.core import UsageError


@dataclass(frozen=True)
class Tls:
    """Mutual TLS: three PEM files. Only who holds a certificate signed by `ca` gets a link, in either direction.

    `ca` should be the swarm's own: whoever it signs for may connect. A certificate must name the host or address
    under which others dial its owner, and allow both server and client use. It opens the link and nothing else:
    what a peer says still counts by its own key.
    """

    ca: str | PathLike[str]
    certificate: str | PathLike[str]
    key: str | PathLike[str]

    def check(self) -> None:
        """Read all three files. Called before a session is opened, so that the fault is named and not a time-out.

        Raises:
            UsageError: a file is missing or unreadable, is not PEM, the key is encrypted or belongs to another
                certificate.
        """
        import ssl

        for noun, file in (("CA", self.ca), ("certificate", self.certificate), ("key", self.key)):
            try:
                Path(file).read_bytes()
            except OSError as fault:
                raise UsageError(
                    f"the TLS {noun} file {fspath(file)!r} cannot be read: {fault.strerror}. Check its path and mode."
                ) from None
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except ssl.SSLError as fault:
            raise UsageError(
                f"the TLS CA file {fspath(self.ca)!r} holds no certificate ({_reason(fault)}). Give the PEM file of "
                "the authority that signed the members' certificates."
            ) from None
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except _EncryptedError:
            raise UsageError(
                f"the TLS key file {fspath(self.key)!r} is encrypted. Give one without a password and protect it by "
                "its file mode."
            ) from None
        except ssl.SSLError as fault:
            raise UsageError(
                f"the TLS certificate {fspath(self.certificate)!r} and key {fspath(self.key)!r} do not work together "
                f"({_reason(fault)}). Give two PEM files that were made for each other."
            ) from None


class _EncryptedError(Exception):
    """The key asks for a password, and nobody may be prompted."""


def _no_password() -> str:
    raise _EncryptedError


def _reason(fault: Exception) -> str:
    reason = getattr(fault, "reason", None)
    return str(reason or fault).replace("_", " ").lower()
