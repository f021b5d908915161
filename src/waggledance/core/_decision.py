"""A decision: what came out, how sure, who disagrees and why, and exactly which messages it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from blake3 import blake3

from waggledance.core._bodies import UNIT
from waggledance.core._budget import NO_COST, Cost
from waggledance.core._ids import MessageId, PeerId
from waggledance.core._message import encode_canonical

Status = Literal["decided", "undecided", "conflict"]


class Dissent(msgspec.Struct, frozen=True):
    """A peer that ended with another answer than the swarm's, or with none."""

    peer: PeerId
    key: str | None
    reason: str
    """What the peer said for its answer, or why it has none."""


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a rule over a set of messages. Rules fill in the upper half, the swarm the lower."""

    status: Status
    """``decided``; ``undecided`` when nobody answered or a tie stands; ``conflict`` when evidence clashes."""
    key: str | None
    """The canonical answer; None when undecided."""
    winner: MessageId | None = None
    """The proposal that says it best, by the rule."""
    text: str = ""
    """The winner's own words."""
    support: Mapping[str, int] = {}
    """Score of every distinct answer, in the rule's unit (votes in parts per million of a peer, unless it says)."""
    confidence: float = 0.0
    """0 to 1: the winner's share, or the rule's own probability where it has one."""
    dissent: tuple[Dissent, ...] = ()
    rule: str = ""
    used: tuple[MessageId, ...] = ()
    """Ids of every message the rule was given, sorted."""
    notes: tuple[str, ...] = ()
    """What a reader should know: judges look unreliable, the budget ran out, peers saw different sets."""

    silent: tuple[PeerId, ...] = ()
    """Who sat in the channel and gave no answer."""
    cost: Cost = NO_COST
    seconds: float = 0.0
    names: Mapping[PeerId, str] = {}
    channel: str = ""
    certificate: str = ""
    """A certificate of this decision as JSON text, which anyone can check; empty where none was made."""

    @property
    def id(self) -> bytes:
        """32 bytes: the hash of status, answer, winner, support, rule and the messages used; not of words and costs."""
        support = sorted(self.support.items())
        content = (self.status, self.key, self.winner, support, self.rule, self.used)
        return blake3(b"waggle/dec/1\0" + encode_canonical(content)).digest()

    def name(self, peer: PeerId) -> str:
        """Return the name of a peer as people see it."""
        return self.names.get(peer) or peer.hex()[:8]

    def share(self, key: str) -> float:
        """Return an answer's share of all support, 0 to 1."""
        total = sum(self.support.values())
        return self.support.get(key, 0) / total if total else 0.0

    def __str__(self) -> str:
        """Return the decision as a few plain lines."""
        lines = [self.key if self.key is not None else f"no answer ({self.status})"]
        for key, score in sorted(self.support.items(), key=lambda item: (-item[1], item[0])):
            lines.append(f"  {key}: {score / UNIT:.4g} ({self.share(key):.0%})")
        others = dict.fromkeys((d.peer, d.key) for d in self.dissent if d.key is not None)  # each may say it again
        lines += [f"  dissent: {self.name(peer)} says {key}" for peer, key in others]
        if self.silent:
            lines.append(f"  no answer from: {', '.join(self.name(p) for p in self.silent)}")
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def to_json(self) -> str:
        """Return one JSON object; ids in hexadecimal, peers by name, numbers as numbers."""
        plain: dict[str, Any] = {
            "status": self.status,
            "answer": self.key,
            "text": self.text,
            "confidence": self.confidence,
            "support": {k: {"score": s / UNIT, "share": self.share(k)} for k, s in self.support.items()},
            "dissent": [{"peer": self.name(d.peer), "answer": d.key, "reason": d.reason} for d in self.dissent],
            "silent": [self.name(peer) for peer in self.silent],
            "rule": self.rule,
            "notes": list(self.notes),
            "cost": msgspec.to_builtins(self.cost),
            "seconds": round(self.seconds, 3),
            "channel": self.channel,
            "id": self.id.hex(),
            "winner": self.winner.hex() if self.winner else None,
            "used": [id.hex() for id in self.used],
        }
        return msgspec.json.encode(plain).decode()
