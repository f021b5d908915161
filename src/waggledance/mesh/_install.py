"""Put an artefact into use, and back: the two that come with the library replace a file.

What was there before is kept beside it (``NAME.base``, or an empty ``NAME.nothing``) until the next installation, and
comes back byte for byte. Every step is a rename, so a kill leaves the old file or the new one, and never half of one:
the base is kept first, then the file replaced. One step back, and no further.
"""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Protocol

from blake3 import blake3

from waggledance.core import RunFailed, UsageError
from waggledance.mesh._patch import PATCH_TYPE, patched


class InstallFailed(RunFailed):
    """An artefact could not be put into use, or taken out of it. Carries the place and why."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(place, why)
        self.place, self.why = place, why

    def __str__(self) -> str:
        return f"{self.place}: {self.why}. What was in use before is as it was; a corrected roll-out can replace it"


class Installer(Protocol):
    """What one slot of a peer is filled by."""

    @property
    def installed(self) -> bytes | None:
        """BLAKE3 of what is in use; None for nothing."""
        ...

    def install(self, content: bytes, ty: str, result: bytes) -> None:
        """Put an artefact into use, and keep what was before.

        Args:
            content: the artefact, whole or a patch.
            ty: its media type.
            result: BLAKE3 of what must be in use afterwards.

        Raises:
            InstallFailed: it is not what this slot takes, or would not have that hash; nothing was changed.
        """
        ...

    def restores_to(self, base: bytes | None) -> bool:
        """Say whether `restore` would bring back what has this BLAKE3; None for nothing."""
        ...

    def restore(self) -> None:
        """Go back to what was in use before the last installation; harmless to repeat.

        Raises:
            InstallFailed: nothing was kept, or the disk refused.
        """
        ...


class FileArtefact:
    """A file that a peer uses as it is: an adapter, a skill, a table. Takes whole files, and tensor patches of one."""

    def __init__(self, path: Path) -> None:
        """Raise `UsageError` if there is no folder for it, or it is a folder itself."""
        if path.is_dir():
            raise UsageError(f"{path} is a folder; name a file to install into")
        if not path.parent.is_dir():
            raise UsageError(f"there is no folder {path.parent} to install {path.name} into; make it first")
        self.path = path
        self._base, self._nothing = (path.with_name(path.name + end) for end in (".base", ".nothing"))

    @property
    def installed(self) -> bytes | None:
        """BLAKE3 of the file; None where there is none."""
        return _hash(self.path)

    def install(self, content: bytes, ty: str, result: bytes) -> None:
        """Replace the file; see `Installer.install`."""
        before = _content(self.path)
        after = self._made(content, ty, before)
        if blake3(after).digest() != result:
            raise InstallFailed(str(self.path), "what was fetched does not make what the roll-out said")
        if before == after:
            return
        try:
            if before is None:
                self._swap(self._nothing, b"")
                self._base.unlink(missing_ok=True)
            else:
                self._swap(self._base, before)
                self._nothing.unlink(missing_ok=True)
            self._swap(self.path, after)
        except OSError as why:
            raise InstallFailed(str(self.path), why.strerror or str(why)) from why

    def restores_to(self, base: bytes | None) -> bool:
        """Say whether the base that is kept has this hash; see `Installer.restores_to`."""
        return base is None if self._nothing.exists() else base is not None and _hash(self._base) == base

    def restore(self) -> None:
        """Put the base back; see `Installer.restore`."""
        try:
            if self._nothing.exists():
                self.path.unlink(missing_ok=True)
            elif self._base.exists():
                self._swap(self.path, self._base.read_bytes())
            else:
                raise InstallFailed(str(self.path), "there is no base to go back to")
        except OSError as why:
            raise InstallFailed(str(self.path), why.strerror or str(why)) from why

    def _made(self, content: bytes, ty: str, before: bytes | None) -> bytes:
        if ty != PATCH_TYPE:
            return content
        if before is None:
            raise InstallFailed(str(self.path), "a patch needs the file that it changes, and there is none")
        try:
            return patched(before, content)
        except UsageError as why:
            raise InstallFailed(str(self.path), str(why)) from why

    @staticmethod
    def _swap(path: Path, content: bytes) -> None:
        new = path.with_name(path.name + ".new")
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _hash(path: Path) -> bytes | None:
    content = _content(path)
    return None if content is None else blake3(content).digest()


class PromptSet(FileArtefact):
    """A file of prompts, in TOML or JSON; one that does not parse as its name ends is refused before it is in use."""

    def __init__(self, path: Path) -> None:
        """Raise `UsageError` if the name does not end in ``.toml`` or ``.json``, or there is no folder for it."""
        super().__init__(path)
        if path.suffix not in (".toml", ".json"):
            raise UsageError(f"a prompt set is a .toml or a .json file, got {path.name}")

    def _made(self, content: bytes, ty: str, before: bytes | None) -> bytes:
        try:
            text = content.decode()
            prompts = tomllib.loads(text) if self.path.suffix == ".toml" else json.loads(text)
        except (ValueError, RecursionError) as why:
            raise InstallFailed(str(self.path), f"it is no {self.path.suffix[1:]} text: {why}") from why
        if not isinstance(prompts, dict):
            raise InstallFailed(str(self.path), "a prompt set is a table of names and texts")
        return content
