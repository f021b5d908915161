"""From a file to a roll-out: which slot it goes to, which version it is, and what it takes the place of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from blake3 import blake3

from waggledance.core import UsageError
from waggledance.mesh._agent_adapter import check_adapter
from waggledance.mesh._agent_prompts import SLOT, read_prompts
from waggledance.mesh._agent_skill import read_skill
from waggledance.mesh._blobs import blob_of
from waggledance.mesh._rollout import Artefact, Rollout, Target
from waggledance.mesh._rollout_fold import RolloutView

Kind = Literal["prompts", "skill", "adapter", "data"]

_TYPES: dict[Kind, str] = {
    "prompts": "application/toml",
    "skill": "application/toml",
    "adapter": "application/octet-stream",
    "data": "application/octet-stream",
}


def planned(kind: Kind, name: str, content: bytes, target: Target, views: Iterable[RolloutView]) -> Rollout:
    """Return the roll-out of a file's content to those it is for, as the next version in its slot.

    It takes the place of what the last complete roll-out to the same target brought; of nothing where there was none.

    Args:
        kind: of prompts there is one slot, ``prompts/agent``; else the slot is named after the file.
        name: the file's name, lower-cased in the slot.
        content: what is in it.
        target: whom it is for.
        views: the roll-outs so far.

    Raises:
        UsageError: the content is in use already, is no set of prompts, no skill or no adapter where it should be, or
            the file's name can be no slot's.
    """
    match kind:
        case "prompts":
            read_prompts(content)
        case "skill":
            read_skill(content)
        case "adapter":
            check_adapter(content)
        case "data":
            pass
    slot = SLOT if kind == "prompts" else f"{kind}/{name.lower()}"
    same = [view for view in views if view.rollout.slot == slot]
    done = [v for v in same if v.status == "complete" and v.rollout.target == target]
    last = max(done, key=lambda v: v.rollout.version, default=None)
    base, result = None if last is None else last.rollout.result, blake3(content).digest()
    if base == result:
        raise UsageError(f"this very content is in {slot} since version {last.rollout.version if last else 0}")
    return Rollout(
        slot=slot,
        version=1 + max((view.rollout.version for view in same), default=0),
        artefact=Artefact(h=blob_of(content), n=len(content), ty=_TYPES[kind]),
        base=base,
        result=result,
        target=target,
    )
