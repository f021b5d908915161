"""The recipe `hypothesis` at work in a world of hidden links, with functions for peers.

Each question is one run of the recipe in virtual time: path finders lead from one concept to another, an ontologist
says what concepts on the way mean in its eyes, a scientist proposes the link across the fields that seems likeliest by
what it was told and by its own view, and a critic, who is another peer, says how close both are in its own. What is
proposed and how it is graded is read from the report alone; a pair proposed several times has the mean of its grades.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from blake3 import blake3

from waggledance.core import PeerId, RunFailed
from waggledance.memory import KnowledgeGraph
from waggledance.testing._links_world import PEERS, LinksWorld, Pair, Scores, across, closeness, link_score

if TYPE_CHECKING:
    from waggledance.tasks import Recipe, Result, Work

_REPORTED = re.compile(r"## Hypothesis\n(a\d+) and (b\d+)\n.*## Outcome\n(-?\d+)\n.*## Critic\n(-?\d+)\n", re.DOTALL)
"""What a report says: the link, how close its ends are in the scientist's eyes, and in the critic's."""
_THOUSAND = 1_000


@dataclass(frozen=True)
class Proposals:
    """What came of some questions."""

    by_scientist: Scores
    """Each pair's score with how close its ends are in the scientist's eyes, as it chose them."""
    by_critic: Scores
    """The same in the critic's."""
    by_both: Scores
    """The same by the mean of the two."""
    unanswered: int
    """Questions without a report: there is no way, or all that is on it is linked already."""


def propose_links(world: LinksWorld, questions: int, *, finders: int = 3) -> Proposals:
    """Ask a team of four about two drawn concepts, so many times; return what it proposes and thinks of that.

    Args:
        world: whose graph they are given; what is hidden they are not.
        questions: how many, each a run of its own.
        finders: how many look for a way, 1 to 64: the first by the shortest, the others by waypoints of their own.
    """
    recipe = _recipe(finders)
    lines = "\n".join(f"{a} | {how} | {b}" for a, how, b in world.graph.edges)
    told: dict[Pair, list[tuple[int, int, int]]] = {}
    unanswered = 0
    for number in range(questions):
        a, b = world.ends(number)
        report = _report(world, recipe, f"{lines}\nfrom: {a}\nto: {b}\n", number)
        found = _REPORTED.search(report)
        if found is None:
            unanswered += 1
        else:
            own, others = int(found[3]), int(found[4])
            told.setdefault((found[1], found[2]), []).append((own, others, (own + others) // 2))

    def graded(who: int) -> Scores:
        return {p: link_score(world.graph, p, round(mean(g[who] for g in grades))) for p, grades in told.items()}

    return Proposals(by_scientist=graded(0), by_critic=graded(1), by_both=graded(2), unanswered=unanswered)


def _recipe(finders: int) -> Recipe:
    """Return the recipe that ships, with so many path finders; nothing else of it is changed."""
    from waggledance.tasks.recipes import recipe_named

    shipped = recipe_named("hypothesis")
    finder = msgspec.structs.replace(shipped.roles["path_finder"], copies=finders)
    limits = msgspec.structs.replace(shipped.limits, tasks=(shipped.limits.tasks or 0) + finders)
    return msgspec.structs.replace(shipped, roles={**shipped.roles, "path_finder": finder}, limits=limits)


def _report(world: LinksWorld, recipe: Recipe, request: str, number: int) -> str:
    from waggledance.tasks import Team
    from waggledance.testing._simulate import simulate

    team = Team(recipe, execute=_Playing(world, recipe))
    try:
        return simulate(team, request, peers=PEERS, seed=number, linger_s=0.0).decision.text
    except RunFailed:
        return ""


class _Playing:
    """What each peer does in each role."""

    def __init__(self, world: LinksWorld, recipe: Recipe) -> None:
        self._world, self._recipe = world, recipe

    async def __call__(self, work: Work) -> Result:
        from waggledance.tasks import Result

        role = self._recipe.by_task[work.task.id].role
        peer, texts = int(work.seat.name[1:]), [note.body.text for note in work.notes]
        if role == "ontologist":
            return Result(self._ontology(peer, texts))
        if role == "scientist":
            return Result(self._proposal(peer, texts))
        if role == "critic":
            (pair,) = [_pair_in(text) for text in texts if text.startswith("{")]
            return Result(str(closeness(self._world.view(peer, pair[0]), self._world.view(peer, pair[1]))))
        return Result(f"as the {role} sees it")

    def _ontology(self, peer: int, paths: list[str]) -> str:
        """Return one line a concept on the paths: its name, and what it means in thousandths."""
        concepts = sorted({concept for path in paths for triple in _told(path) for concept in (triple[0], triple[2])})
        rows = [np.rint(self._world.view(peer, concept) * _THOUSAND).astype(int).tolist() for concept in concepts]
        return "\n".join(f"{concept}: {' '.join(map(str, row))}" for concept, row in zip(concepts, rows, strict=True))

    def _proposal(self, peer: int, texts: list[str]) -> str:
        """Return the likeliest link across the fields that nobody told of, by the mean of two views of each concept.

        Raises:
            RunFailed: all that could be linked is.
        """
        told = KnowledgeGraph({triple: frozenset[PeerId]() for text in texts for triple in _told(text)})
        means = {
            line.partition(":")[0]: np.array(line.partition(":")[2].split(), dtype=float) / _THOUSAND
            for text in texts
            for line in text.splitlines()
            if re.match(r"[ab]\d+: ", line)
        }
        mean_of = {concept: said + self._world.view(peer, concept) for concept, said in means.items()}
        open_ = [(a, b) for a, b in across(told.names) if b not in told.neighbours(a)]
        if not open_:
            raise RunFailed("every two concepts of the two fields on the way are linked already")
        close = {pair: closeness(mean_of[pair[0]], mean_of[pair[1]]) for pair in open_}
        best = max(
            open_, key=lambda pair: (link_score(told, pair, close[pair]), blake3("\0".join(pair).encode()).digest())
        )
        schema = self._recipe.kinds["proposal"].schema or {}
        fields = dict.fromkeys(schema["required"], "not said")
        return json.dumps({**fields, "hypothesis": f"{best[0]} and {best[1]}", "outcome": str(close[best])})


def _told(path: str) -> list[tuple[str, str, str]]:
    """Return the triples that a path finder's words tell."""
    parts = [line.split(" — ") for line in path.splitlines()]
    return [(part[0], part[1], part[2]) for part in parts if len(part) == 3]


def _pair_in(proposal: str) -> Pair:
    a, _, b = str(json.loads(proposal)["hypothesis"]).partition(" and ")
    return a, b
