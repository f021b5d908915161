"""`waggle ask --mesh`: ask the members of a swarm that run elsewhere, and print what they decide."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import typer

from waggledance._swarm import Interrupted, Swarm
from waggledance.cli._asked import in_words, question_from
from waggledance.cli._config import in_force
from waggledance.cli._decision_view import lines
from waggledance.cli._ending import complain
from waggledance.cli._journal import Watched
from waggledance.cli._printing import print_json, print_lines, say, terminal
from waggledance.cli._protocol_from import protocol_from
from waggledance.cli._views import View, view_for
from waggledance.core import Budget, Decision, LoopClock, Question
from waggledance.mesh import Dialling, Home, Mesh, Way, present, way_to
from waggledance.protocols import AskProtocol

NO_ANSWER = 3
WAIT_SECONDS = 600.0


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
        RunFailed: no member with a vote is there.
    """
    force = in_force(flags, config=config)
    tell = _nothing if quiet else say
    question, guessed = question_from(typed, options, force, human=False)
    protocol, arranged = protocol_from(force, question, human=False)
    if guessed:
        tell(f"expecting {in_words(question)}; --answer says otherwise")
    budget = Budget(**msgspec.structs.asdict(force.settings.budget))
    view = view_for(None if quiet else terminal(sys.stderr), quiet=quiet, write=tell)
    home = Home()
    way = way_to(home, whom.what, now_ms=LoopClock().wall_ms())
    asked = _Asked(home, way, whom, question, protocol, budget, force.settings.ask.seed)
    interrupted: Interrupted | None = None
    try:
        decision: Decision | None = asyncio.run(asked.run(view))
    except KeyboardInterrupt:
        decision, interrupted = asked.partial, Interrupted(asked.partial)
    if decision is not None and decision.certificate and whom.certificate is not None:
        whom.certificate.write_text(decision.certificate)
        tell(f"the certificate is in {whom.certificate}; check it with: waggle verify {whom.certificate}")
    if as_json:
        told = {} if decision is None else msgspec.json.decode(decision.to_json())
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
        self, home: Home, way: Way, whom: Whom, question: Question, protocol: AskProtocol, budget: Budget, seed: int
    ) -> None:
        self._home, self._way, self._whom, self._question = home, way, whom, question
        self._protocol, self._budget, self._seed = protocol, budget, seed
        self.partial: Decision | None = None

    async def run(self, view: View) -> Decision:
        whom = self._whom
        async with present(self._home, self._way, whom.key_name, whom.dialling) as node:
            mesh = Mesh(node, certify=whom.certify, wait_s=self._budget.seconds or WAIT_SECONDS)
            members = mesh.answering()
            journal = Watched(None, view.see)
            swarm = Swarm(
                mesh.peers(members), network=mesh, protocol=self._protocol, log=journal,
                weights={member.name: member.weight / 1e6 for member in members}, seed=self._seed,
            )  # fmt: skip
            with view:
                return await swarm.ask(self._question, budget=self._budget)


def _certified(decision: Decision) -> list[list[tuple[str, str]]]:
    if not decision.certificate:
        return []
    acks = len(msgspec.json.decode(decision.certificate)["acks"])
    return [[("signed ", "dim"), (f"a certificate by {acks} members", "bold")]]


def _nothing(line: str) -> None:
    """Say nothing."""
