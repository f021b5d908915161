"""What an operator lets a running peer say: admit, revoke, leave. Left in a folder that only the operator can write to.

The running process holds the key, so it does the speaking. It looks into the folder once a second; no port is opened.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Literal

import msgspec

from waggledance.core import PeerId, UsageError
from waggledance.mesh._admission_bodies import Admit, Leave, Revoke
from waggledance.mesh._home import write_whole
from waggledance.mesh._node import Node


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing to say in the lobby."""

    act: Literal["admit", "revoke", "leave"]
    who: str = ""
    """The key it is about, 64 hexadecimal digits; empty for ``"leave"``."""
    weight: int = 0
    """The vote to admit with, in parts per million."""
    reason: str = ""
    """Of a revocation."""


def place(folder: Path, order: Order) -> Path:
    """Leave an order for the peer of this folder; return its file, which is gone when the order is carried out."""
    file = folder / "orders" / f"{secrets.token_hex(8)}.json"
    write_whole(file, msgspec.json.encode(order))
    return file


def carry_out(node: Node, folder: Path) -> list[str]:
    """Say what was ordered since the last time; return a line for each. What cannot be read is put aside."""
    said: list[str] = []
    for file in sorted((folder / "orders").glob("*.json")):
        if file.stat().st_uid != os.getuid():
            said.append(f"an order in {file} is not by this peer's owner, and is not carried out")
        else:
            try:
                said.append(speak(node, msgspec.json.decode(file.read_bytes(), type=Order)))
            except (msgspec.DecodeError, UsageError) as why:
                said.append(f"the order in {file} is not carried out: {why}")
        file.unlink()
    return said


def speak(node: Node, order: Order) -> str:
    """Say it in the lobby; return it as a line for people.

    Raises:
        UsageError: the key is none.
    """
    if order.act == "leave":
        body: Admit | Revoke | Leave = Leave()
        line = "left the swarm for good"
    else:
        who = _key(order.who)
        body = Admit(who=who, weight=order.weight) if order.act == "admit" else Revoke(who=who, reason=order.reason)
        line = f"voted to {order.act} {order.who[:12]}"
    node.lobby.copy.publish(node.me, body, [], node.clock.wall_ms())
    return line


def _key(text: str) -> PeerId:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise UsageError(f"a key is 64 hexadecimal digits, as `waggle mesh status` prints it; got {text!r:.80}")
    return PeerId(key)
