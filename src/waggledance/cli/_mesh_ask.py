"""`waggle ask --mesh`: ask the members of a swarm that run elsewhere, and print what they decide."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import typer

from waggledance._swarm import Interrupted, Swarm
from waggledance.cli._asked import in_words, question_from
from waggledance.cli._config import in_force
from waggledance.cli._decision_view import lines
from waggledance.cli._ending import complain
from waggledance.cli._journal import Watched
from waggledance.cli._printing import print_json, print_lines, say, terminal
from waggledance.cli._protocol_from import arranged_as, protocol_from
from waggledance.cli._views import View, view_for
from waggledance.core import Budget, Decision, LoopClock, Question, UsageError, run_awake
from waggledance.mesh import (
    Dialling,
    Finder,
    Home,
    Mesh,
    Need,
    Node,
    TeamMesh,
    Way,
    form_team,
    praise,
    present,
    way_to,
)
from waggledance.protocols import AskProtocol, protocol_for

NO_ANSWER = 3
WAIT_SECONDS = 600.0
MAX_NEED_CHARS = 2_000


@dataclass(frozen=True)
class Whom:
    """Which swarm is asked, as whom, and how."""

    what: str
    """An invite, a swarm's name, or an endpoint."""
    key_name: str
    certify: bool
    certificate: Path | None
    """Where the certificate is written; nowhere when None."""
    dialling: Dialling
    team: int | None = None
    """How many are asked, chosen among those who volunteer; everybody with a vote when None."""
    skills: tuple[str, ...] = ()
    """What a team's members must say they can do."""


def ask_mesh(
    typed: str,
    flags: Mapping[str, object],
    whom: Whom,
    *,
    config: Path | None,
    options: Sequence[str],
    quiet: bool,
    as_json: bool,
) -> None:
    """Ask a swarm over the mesh and print what it decides.

    Raises:
        NotLetIn: nobody of the swarm answers, or this key is no member.
        NobodyCame: a team is wanted, and nobody who fits volunteers.
        RunFailed: no member with a vote is there.
        UsageError: a team is to certify something: what a few decide is not the swarm's decision.
    """
    if whom.team is not None and whom.certify:
        raise UsageError("a certificate is by a quorum of all who have a vote, and not by a team: leave one out")
    if whom.skills and whom.team is None:
        raise UsageError("--skill says who is in a team: give --team N too")
    force = in_force(flags, config=config)
    tell = _nothing if quiet else say
    question, guessed = question_from(typed, options, force, human=False)
    protocol = protocol_for(protocol_from(force), question)
    arranged = arranged_as(force, protocol)
    if guessed:
        tell(f"expecting {in_words(question)} (--answer changes that)")
    budget = Budget(**msgspec.structs.asdict(force.settings.budget))
    view = view_for(None if quiet else terminal(sys.stderr), quiet=quiet, write=tell)
    home = Home()
    way = way_to(home, whom.what, now_ms=LoopClock().wall_ms())
    asked = _Asked(home, way, whom, question, protocol, budget, force.settings.ask.seed, tell)
    interrupted: Interrupted | None = None
    try:
        decision: Decision | None = run_awake(asked.run(view))
    except KeyboardInterrupt:
        decision, interrupted = asked.partial, Interrupted(asked.partial)
    if decision is not None and decision.certificate and whom.certificate is not None:
        whom.certificate.write_text(decision.certificate)
        tell(f"the certificate is in {whom.certificate}; check it with: waggle verify {whom.certificate}")
    if as_json:
        told: dict[str, Any] = {} if decision is None else msgspec.json.decode(decision.to_json())
        certificate = msgspec.json.decode(decision.certificate) if decision and decision.certificate else None
        print_json({**told, "question": question.text, "protocol": arranged, "certificate": certificate,
                    "interrupted": interrupted is not None})  # fmt: skip
    elif decision is not None:
        print_lines(lines(decision, view.story, kept=False) + _certified(decision))
    if interrupted is not None:
        complain("interrupted")
        raise typer.Exit(Interrupted.exit_code)
    if decision is None or decision.key is None or (whom.certify and not decision.certificate):
        raise typer.Exit(NO_ANSWER)


class _Asked:
    """One question over the mesh."""

    def __init__(
        self,
        home: Home,
        way: Way,
        whom: Whom,
        question: Question,
        protocol: AskProtocol,
        budget: Budget,
        seed: int,
        tell: Callable[[str], None],
    ) -> None:
        self._home, self._way, self._whom, self._question = home, way, whom, question
        self._protocol, self._budget, self._seed, self._tell = protocol, budget, seed, tell
        self.partial: Decision | None = None

    async def run(self, view: View) -> Decision:
        whom = self._whom
        async with present(self._home, self._way, whom.key_name, whom.dialling) as node:
            wait_s = self._budget.seconds or WAIT_SECONDS
            mesh = await self._team(node, wait_s) if whom.team else Mesh(node, certify=whom.certify, wait_s=wait_s)
            members = mesh.answering()
            journal = Watched(None, view.see)
            swarm = Swarm(
                mesh.peers(members), network=mesh, protocol=self._protocol, log=journal,
                weights={member.name: member.weight / 1e6 for member in members}, seed=self._seed,
            )  # fmt: skip
            try:
                with view:
                    decision = await swarm.ask(self._question, budget=self._budget)
            finally:
                self.partial = swarm.partial
            praise(node, decision.channel)
            return decision

    async def _team(self, node: Node, wait_s: float) -> TeamMesh:
        """Form a team for the question, and say who is in it and why."""
        assert self._whom.team is not None, "asked for"
        need = Need(text=self._question.text[:MAX_NEED_CHARS], skills=self._whom.skills)
        formed = await form_team(node, Finder(node), need, self._whom.team)
        for match in formed.chosen.members:
            self._tell(f"chosen: {match.why}")
        return TeamMesh(node, formed, wait_s=wait_s)


def _certified(decision: Decision) -> list[list[tuple[str, str]]]:
    if not decision.certificate:
        return []
    acks = len(msgspec.json.decode(decision.certificate)["acks"])
    return [[("signed ", "dim"), (f"a certificate by {acks} members", "bold")]]


def _nothing(line: str) -> None:
    """Say nothing."""
