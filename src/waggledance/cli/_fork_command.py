"""`waggle log fork`: run a channel's question again with something changed, and show what would have come of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from waggledance.cli._config import InForce, in_force
from waggledance.cli._log_place import log_path, log_to_add_to, read_channel
from waggledance.cli._models_here import models_for
from waggledance.cli._printing import print_json, print_text
from waggledance.cli._safe_text import safe
from waggledance.cli._seating import model_name, seat, tables
from waggledance.cli._settings import PeerTable
from waggledance.core import Log, Message, MessageId, Peer, UsageError, run_awake
from waggledance.models import Model
from waggledance.safety import (
    Fork,
    Intervention,
    Live,
    Reword,
    SwapModel,
    SwapRule,
    Unsay,
    Unseat,
    as_plain,
    intervene,
)

LIVE: Mapping[str, Live] = {"never": "never", "needed": "needed", "after": "after"}


@dataclass(frozen=True)
class Wanted:
    """What the command line wants changed, as it was typed."""

    drop: Sequence[str] = ()
    replace: Sequence[str] = ()
    rule: str | None = None
    model: Sequence[str] = ()
    without: Sequence[str] = ()
    at: str | None = None
    live: str = "needed"
    seed: int | None = None


def fork(channel: str, wanted: Wanted, flags: Mapping[str, object], config: Path | None, *, as_json: bool) -> None:
    """Run a channel again with interventions and print what has become of it."""
    if wanted.live not in LIVE:
        raise UsageError(f"--live is {', '.join(LIVE)}, got {wanted.live!r}")
    force = in_force(flags, config=config)
    with log_to_add_to(log_path(force)) as log:
        messages = read_channel(log, channel)
        edits = interventions(wanted, messages)
        at = None if wanted.at is None else message_named(wanted.at, messages)
        live = LIVE[wanted.live]
        made = run_awake(_forked(log, messages[0].channel, edits, at, live, wanted.seed, force))
    if as_json:
        print_json(as_json_of(made))
        return
    print_text(safe(str(made)))


async def _forked(
    log: Log,
    channel: str,
    edits: Sequence[Intervention],
    at: MessageId | None,
    live: Live,
    seed: int | None,
    force: InForce,
) -> Fork:
    table = LivePeers(force)
    try:
        return await intervene(log, channel, edits, at=at, live=live, peers=table, seed=seed)
    finally:
        await table.close()


class LivePeers:
    """Peers to ask anew: those of the settings by their names, with another model where one is named."""

    def __init__(self, force: InForce) -> None:
        self._force, self._models = force, dict[str, Model]()

    def __call__(self, name: str, spec: str) -> Peer:
        force = self._force
        rows = tables(force)
        row = next((row for row in rows if row.name == name), PeerTable(name=name, model=rows[0].model))
        if spec:
            row = msgspec.structs.replace(row, model=spec)
        wanted = model_name(row, force)
        if wanted not in self._models:
            self._models |= models_for({wanted}, force)
        return seat([row], self._models, force, human=False).peers[0]

    async def close(self) -> None:
        for model in self._models.values():
            await model.aclose()


def interventions(wanted: Wanted, messages: Sequence[Message[Any]]) -> tuple[Intervention, ...]:
    """Read what is to be changed.

    Raises:
        UsageError: an id is none or could be several; a text is missing.
    """
    edits: list[Intervention] = [Unsay(message_named(id, messages)) for id in wanted.drop]
    for given in wanted.replace:
        id, text = _pair(given, "--replace", "ID=TEXT")
        edits.append(Reword(message_named(id, messages), text))
    edits += [SwapModel(*_pair(given, "--model", "PEER=SPEC")) for given in wanted.model]
    edits += [Unseat(peer) for peer in wanted.without]
    if wanted.rule is not None:
        edits.append(SwapRule(wanted.rule))
    return tuple(edits)


def message_named(id: str, messages: Sequence[Message[Any]]) -> MessageId:
    """Return the message whose id begins like this.

    Raises:
        UsageError: none does, or several do, or it is no beginning of an id.
    """
    digits = id.removeprefix("b3:").lower()
    if re.fullmatch(r"[0-9a-f]{4,64}", digits) is None:
        raise UsageError(f"a message is named by at least 4 hexadecimal digits of its id, got {id!r}")
    found = [m.id for m in messages if m.id.hex().startswith(digits)]
    if len(found) != 1:
        raise UsageError(f"{len(found)} messages of the channel begin with {id!r}; see `waggle log show --json`")
    return found[0]


def as_json_of(made: Fork) -> dict[str, Any]:
    """Return a fork as plain values."""

    def one(message: Message[Any] | None) -> dict[str, Any] | None:
        if message is None:
            return None
        body = message.body
        return {"id": message.id.hex(), "key": getattr(body, "key", None), "text": getattr(body, "text", "")}

    return {
        "channel": made.channel,
        "parent": made.parent,
        "edits": [as_plain(edit) for edit in made.edits],
        "before": None if made.before is None else {"status": made.before.status, "answer": made.before.key},
        "decision": msgspec.json.decode(made.decision.to_json()),
        "flipped": made.flipped,
        "exact": made.exact,
        "calls": {"live": made.calls_live, "recorded": made.calls_recorded},
        "asked": msgspec.to_builtins(made.asked),
        "changed": [
            {"peer": c.peer, "kind": c.kind, "round": c.round, "was": one(c.was), "now": one(c.now)}
            for c in made.changed
        ],
        "notes": list(made.notes),
    }


def _pair(given: str, flag: str, form: str) -> tuple[str, str]:
    left, equals, right = given.partition("=")
    if not (left and equals and right):
        raise UsageError(f"{flag} takes {form}, got {given!r}")
    return left, right
