"""What groups read of real models' answers: 12 models' solutions of GSM8K questions, next to hearing everybody."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from waggledance.core import Message, Proposal, local_peer_id, swarm_id
from waggledance.core._message import compose
from waggledance.protocols import heard_through, tokens_read
from waggledance.topology import Topology, by_name

DATA = Path(os.environ.get("WAGGLEDANCE_DATA") or Path(__file__).parents[3] / "shared" / "data") / "gsm8k"

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="recorded answers are not beside the repository")


def recorded() -> list[list[Message[Proposal]]]:
    """Return, for each question on which all twelve models' texts are known, what they said."""
    four = _by_id("four-models.jsonl.gz")
    return [
        [_say(id, name, said) for name, said in sorted({**four[id], **eight}.items())]
        for id, eight in sorted(_by_id("eight-models-disputed.jsonl.gz").items())
        if id in four
    ]


def read(topology: Topology, rounds: list[list[Message[Proposal]]]) -> float:
    """Return the tokens that a round's readers read together, on average over questions."""
    total = 0
    for number, said in enumerate(rounds):
        roster = tuple(m.author for m in said)
        plan = topology.plan(0, roster, said, number)
        total += sum(tokens_read(heard_through(plan, me, said, round=0, seed=number)) for me in roster)
    return total / len(rounds)


@pytest.mark.parametrize("questions", [20, pytest.param(158, marks=pytest.mark.slow)])
def test_groups_with_summaries_read_less_than_half_of_what_all_read(questions: int) -> None:
    rounds = recorded()[:questions]
    assert len(rounds) == questions
    assert all(len(said) == 12 for said in rounds)
    everything = read(by_name("complete"), rounds)
    alone = read(by_name("groups(size=4)"), rounds)
    summed = read(by_name("groups(size=4, between=summary, budget_tokens=150)"), rounds)
    cut = read(by_name("groups(size=4, between=texts, budget_tokens=150)"), rounds)
    print(f"\n{len(rounds)} questions, tokens a round: complete {everything:.0f}, groups {alone:.0f}, "  # noqa: T201
          f"with summaries {summed:.0f}, with cut texts {cut:.0f}")  # fmt: skip
    assert alone < summed <= alone + 12 * 2 * 150
    assert alone < cut <= alone + 12 * 2 * 150
    assert summed < 0.5 * everything


def _by_id(file: str) -> dict[str, dict[str, Any]]:
    with gzip.open(DATA / file, "rt") as lines:
        return {row["id"]: row["by"] for row in map(json.loads, lines)}


def _say(id: str, name: str, said: dict[str, Any]) -> Message[Proposal]:
    key = None if said["a"] is None else str(said["a"])
    body = Proposal.of(key, str(said["text"]))
    return compose(local_peer_id(name), body, 1, None, (), 1, 0, swarm_id("recorded"), id)[0]
