"""What a comparison is about: kept in its folder, so that it can be gone on with and reported on later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from waggledance.core import UsageError

FILE = "comparison.json"


class ArmAbout(msgspec.Struct, frozen=True, kw_only=True):
    """What an arm is, in words."""

    name: str
    protocol: str
    rule: str
    weights: str
    peers: str
    budget: str
    log: str
    """The folder of its logs, within the comparison's."""
    left_out: str = ""
    """Why nothing is claimed about it; empty when there is no reason."""
    recorded: bool = False
    """Whether its peers repeat a bank: what is missing there says nothing about the arm."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a comparison is about."""

    data: str
    """Name and digest of the tasks."""
    tasks: Sequence[str]
    """Ids, in the order in which they are run."""
    repeats: int
    seed: int
    arms: Sequence[ArmAbout]
    models: Mapping[str, str]
    """Every model, with what is known of its version: a digest of its weights, or nothing."""
    prices: Mapping[str, tuple[float, float]]
    """Dollars per million tokens read and written; nominal for models that are missing."""
    code: str
    """Version and digest of the program."""


def read_about(folder: Path) -> About | None:
    """Return what the comparison in a folder is about; None when there is none.

    Raises:
        UsageError: the file is something else.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=About)
    except msgspec.DecodeError as why:
        raise UsageError(f"{path} does not describe a comparison ({why}): choose another folder with --out") from why


def keep_about(about: About, folder: Path) -> None:
    """Write down what is compared; other arms, more tasks and more repeats may follow, other tasks may not.

    Raises:
        UsageError: the folder holds a comparison on other tasks, or with another seed.
    """
    before = read_about(folder)
    if before is not None and (before.data, before.seed) != (about.data, about.seed):
        raise UsageError(
            f"{folder} holds a comparison on {before.data or 'other tasks'} with seed {before.seed}, this one is on "
            f"{about.data or 'other tasks'} with seed {about.seed}: choose another folder with --out"
        )
    folder.mkdir(parents=True, exist_ok=True)
    written = folder / f"{FILE}.new"
    written.write_bytes(msgspec.json.format(msgspec.json.encode(about)))
    written.replace(folder / FILE)
