"""`waggle lab debug`: find the messages on account of which a run came out wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waggledance.cli._config import InForce, in_force
from waggledance.cli._fork_command import LivePeers, message_named
from waggledance.cli._log_place import log_path, log_to_add_to, read_channel
from waggledance.cli._printing import print_json, print_text
from waggledance.cli._safe_text import safe
from waggledance.core import Log, Message, MessageId, UsageError, run_awake
from waggledance.lab import Diagnosis, Suspect, debug
from waggledance.safety import Intervention, Reword, Unsay


@dataclass(frozen=True)
class Asked:
    """What the command line says."""

    channel: str
    right: str
    mend: Sequence[str]
    replays: int
    runs: int
    seed: int | None


def debug_channel(asked: Asked, flags: Mapping[str, object], config: Path | None, *, as_json: bool) -> None:
    """Find out why a run came out wrong, and print the tree of histories that were tried."""
    force = in_force(flags, config=config)
    with log_to_add_to(log_path(force)) as log:
        found = run_awake(_found(log, asked, force))
    if as_json:
        print_json(found.to_plain())
    else:
        print_text(safe(str(found)))


async def _found(log: Log, asked: Asked, force: InForce) -> Diagnosis:
    messages = read_channel(log, asked.channel)
    words = dict(_mended(given, messages) for given in asked.mend)

    async def mend(suspect: Suspect, _: Sequence[Message[Any]]) -> Sequence[Intervention]:
        text = words.get(suspect.id)
        return [Unsay(suspect.id) if text is None else Reword(suspect.id, text)]

    peers = LivePeers(force)
    try:
        return await debug(
            log, messages[0].channel, asked.right, peers=peers, mend=mend,
            replays=asked.replays, runs=asked.runs, seed=asked.seed,
        )  # fmt: skip
    finally:
        await peers.close()


def _mended(given: str, messages: Sequence[Message[Any]]) -> tuple[MessageId, str]:
    id, equals, text = given.partition("=")
    if not (equals and text):
        raise UsageError(f"--mend takes ID=TEXT, what a message should have said, got {given!r}")
    return message_named(id, messages), text
