"""A delivery: what a peer made in its work tree, as a task's result that any other repository can take in."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from pathlib import Path

import msgspec
from blake3 import blake3

from waggledance.core import RunFailed, UsageError
from waggledance.tasks._doing import MAX_PIECES, PIECE_CHARS

FITS_BYTES = (PIECE_CHARS * MAX_PIECES - 20_000) * 3 // 4
"""A larger bundle goes into a shared folder."""


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True, tag="delivery/1", tag_field="kind"):
    """A commit and the bundle that brings it: in the result itself where it fits, as base64, else in a file."""

    commit: str
    files: tuple[str, ...] = ()
    """What was changed."""
    base64: str = ""
    file: str = ""
    """The name of a bundle in the folder that the peers share: the BLAKE3 of its bytes, and ``.bundle``."""

    @classmethod
    def of(cls, commit: str, files: tuple[str, ...], bundle: bytes, shared: Path | None) -> Delivery:
        """Return a delivery; put the bundle into the shared folder if it fits no result.

        Raises:
            UsageError: it does not fit, and there is no shared folder.
        """
        if len(bundle) <= FITS_BYTES:
            return cls(commit, files, base64=b64encode(bundle).decode())
        if shared is None:
            raise UsageError(
                f"a bundle of {len(bundle):,} bytes; at most {FITS_BYTES:,} fit a result: give the peers a folder that "
                "they share, CodeWork(…, shared=…)"
            )
        name = f"{blake3(bundle).hexdigest()}.bundle"
        (shared / name).write_bytes(bundle)
        return cls(commit, files, file=name)

    def text(self) -> str:
        """Return it as a result's text: JSON."""
        return msgspec.json.encode(self).decode()

    def bundle(self, shared: Path | None, base: str) -> bytes | None:
        """Return the bundle's bytes; None when they are broken, so that no peer can take them in.

        Args:
            shared: the folder that the peers share.
            base: the commit that all begin at; a bundle may need no other, which some might have and some not.

        Raises:
            RunFailed: the file is not here, though it may be elsewhere: then nobody can say yet what the head is.
        """
        try:
            raw = b64decode(self.base64, validate=True) if self.base64 else self._from_file(shared)
        except (Error, ValueError):
            return None
        needs = [line[1:41] for line in raw.partition(b"\n\n")[0].split(b"\n") if line.startswith(b"-")]
        return raw if needs in ([], [base.encode()]) else None

    def _from_file(self, shared: Path | None) -> bytes:
        name, _, suffix = self.file.partition(".")
        if suffix != "bundle" or len(name) != 64 or any(c not in "0123456789abcdef" for c in name):
            raise ValueError(self.file)
        place = None if shared is None else shared / self.file
        if place is None or not place.is_file():
            raise RunFailed(f"the bundle {self.file} is not in the shared folder ({shared or 'none was given'})")
        raw = place.read_bytes()
        if blake3(raw).hexdigest() != name:
            raise RunFailed(f"the bundle {self.file} in the shared folder is not what its name says: copy it again")
        return raw


def read_delivery(text: str) -> Delivery | None:
    """Return the delivery that a result is; None where it is another result.

    >>> read_delivery(Delivery("0" * 40, ("a.py",), base64="AA==").text()).files
    ('a.py',)
    >>> read_delivery("A report") is None
    True
    """
    try:
        return msgspec.json.decode(text, type=Delivery)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
