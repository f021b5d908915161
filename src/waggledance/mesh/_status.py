"""How a running peer is doing, for people and programs on the same machine: one small file, always new."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from waggledance.core import UsageError
from waggledance.mesh._node import Node
from waggledance.mesh._records import records_of

STALE_SECONDS = 10.0
"""A status that is older was written by a process that ended, or hangs."""


class Seen(msgspec.Struct, frozen=True):
    """A member as one peer sees it."""

    name: str
    key: str
    """64 hexadecimal digits."""
    weight: int
    """In parts per million; 0 has no vote."""
    state: Literal["alive", "suspect", "dead", "left"]
    rtt_ms: float | None = None
    models: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    micro_usd_1k: int = 0
    where: tuple[str, ...] = ()


class Waiting(msgspec.Struct, frozen=True):
    """Somebody who asked to come in and is not admitted yet."""

    name: str
    key: str
    invited_by: str
    """The inviting member's key."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What one peer knows and did."""

    swarm: str
    swarm_id: str
    name: str
    key: str
    pid: int
    at_ms: int
    """When it was written, in milliseconds since 1970."""
    listening: tuple[str, ...]
    links: int
    members: tuple[Seen, ...]
    epoch: int
    waiting: tuple[Waiting, ...]
    channels: int
    open: int
    """Questions without an outcome yet."""
    messages: int
    answered: int
    failed: int
    refused: Mapping[str, int]
    """By reason; ``"join"``: who asked to come in and does not count, or waits no more."""
    dropped: Mapping[str, int]
    alarms: tuple[str, ...]


def status_of(node: Node, *, name: str, listening: tuple[str, ...], links: int, ended: Mapping[str, int]) -> Status:
    """Return how a node is doing.

    Args:
        node: the node.
        name: its peer's name in the swarm.
        listening: where it takes connections.
        links: how many there are.
        ended: questions by how they ended here.
    """
    states = node.swim.states()
    records = records_of(node.lobby.copy.messages()).by_author
    seen: list[Seen] = []
    for member in sorted(node.members.values(), key=lambda m: (m.name, m.id)):
        state, record = states.get(member.id), records.get(member.id)
        claims = record.capability if record is not None else None
        rtt = state.rtt_s if state is not None else None
        seen.append(
            Seen(
                member.name,
                member.id.hex(),
                member.weight,
                state.status if state is not None else "alive",
                round(rtt * 1000, 1) if rtt is not None else None,
                tuple(model.name for model in claims.models) if claims else (),
                tuple(skill.id for skill in claims.skills) if claims else (),
                claims.cost.micro_usd_1k if claims else 0,
                claims.where if claims else (),
            )
        )
    questions, unfinished, messages = node.channels.counted()
    return Status(
        swarm=node.genesis.name,
        swarm_id=node.swarm.hex(),
        name=name,
        key=node.me.hex(),
        pid=os.getpid(),
        at_ms=node.clock.wall_ms(),
        listening=listening,
        links=links,
        members=tuple(seen),
        epoch=node.membership.epoch,
        waiting=tuple(Waiting(m.body.name, m.author.hex(), m.body.invite.issuer.hex()) for m in node.membership.asked),
        channels=questions,
        open=unfinished,
        messages=messages,
        answered=ended.get("answered", 0),
        failed=ended.get("failed", 0),
        refused=dict(sorted((node.refusals() + Counter(join=len(node.membership.refused))).items())),
        dropped=dict(sorted(node.transport.dropped.items())),
        alarms=tuple(node.alarms),
    )


def write_status(file: Path, status: Status) -> None:
    """Write a status so that a reader finds a whole one; not forced to the disk, because it is old in a moment."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.write_bytes(msgspec.json.format(msgspec.json.encode(status), indent=2) + b"\n")
    beside.replace(file)


def read_status(file: Path) -> Status | None:
    """Return what was last written; None when nothing was.

    Raises:
        UsageError: the file is damaged, or of another version.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=Status)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as why:
        raise UsageError(f"{file} cannot be read ({why}): remove it; a running peer writes it anew") from why
