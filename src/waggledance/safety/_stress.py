"""Search for small things that make a swarm break a contract: at random, then greedily, then by evolution; then shrink.

Each run is simulated, so what was found can be seen again from its seed and its perturbations. The search goes by how
far peers came apart (`apart`): a run that breaks no contract may still be nearer to one that does.

Source: Paduraru, Bouruc, Stefanescu 2026, arXiv:2603.18096 (counterexample search: random, greedy, evolutionary, within
a cost); what is looked at to tell near from far is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import msgspec

from waggledance.core import Peer, Question, RunFailed, UsageError
from waggledance.network import Deadlock, Endless
from waggledance.protocols import AskProtocol
from waggledance.safety._builtin import builtin
from waggledance.safety._check_log import check
from waggledance.safety._contract import Contract
from waggledance.safety._perturbations import (
    Draw,
    Duplicated,
    Perturbation,
    Reordered,
    draw_perturbation,
    milder,
    network_faults,
    strained,
)
from waggledance.safety._violation import Violation
from waggledance.testing import NetworkOptions, Opinionated, Run, fewest, simulate

POPULATION = 12
RANDOM_SHARE, GREEDY_SHARE = 0.4, 0.3
"""Of the runs; evolution has the rest."""

Near = Callable[[Run], int]
"""How near a run is to breaking something: more is nearer."""


class Stressed(msgspec.Struct, frozen=True, kw_only=True):
    """What a search found."""

    perturbations: tuple[Perturbation, ...] | None
    """The fewest and mildest that break a contract; None when none were found."""
    found: tuple[Perturbation, ...] = ()
    """As they were found, before they were made fewer."""
    violations: tuple[Violation, ...] = ()
    """What the fewest break, the first one first; nothing where the run did not come to an end."""
    failure: str = ""
    """Why the run with the fewest did not come to an end, if it did not."""
    runs: int = 0
    """How many it took to find."""
    way: str = ""
    """Which search found it: ``"none"`` needed, ``"random"``, ``"greedy"`` or ``"evolution"``."""
    shrinking: int = 0
    """How many runs it took to make them fewer."""


class _Tried(msgspec.Struct, frozen=True):
    perturbations: tuple[Perturbation, ...]
    broken: frozenset[str]
    near: int


def apart(run: Run) -> int:
    """Return how far peers came apart: different decisions, different sets they rest on, peers that did not decide."""
    decisions = list(run.decisions.values())
    return (
        4 * len({decision.key for decision in decisions})
        + 2 * len({decision.used for decision in decisions})
        + len(run.decision.silent)
        + len(run.digests)
        - len(decisions)
    )


class Stress:
    """One search.

    Args:
        protocol: what is tried.
        question: what is asked.
        peers: who answers; a number stands for so many `Opinionated` ones, called p0, p1, ….
        contracts: what must hold; the built-in ones but for ``answered`` when None, since a peer that was silenced is
            missing whatever the protocol does.
        seed: same seed, same search.
        network: what else `simulate` takes.
        draw: draws perturbations; of every kind when None.
        near: what the search goes by.

    Raises:
        UsageError: there is no peer.
    """

    def __init__(
        self,
        protocol: AskProtocol,
        question: str | Question = "What is 2 + 2?",
        *,
        peers: int | Sequence[Peer] = 5,
        contracts: Sequence[Contract] | None = None,
        seed: int = 0,
        network: NetworkOptions | None = None,
        draw: Draw = draw_perturbation,
        near: Near = apart,
    ) -> None:
        seated: Sequence[Peer] = [Opinionated(f"p{i}") for i in range(peers)] if isinstance(peers, int) else peers
        if not seated:
            raise UsageError("a search needs at least one peer, got none")
        self._protocol, self._question, self._peers = protocol, question, seated
        known = (contract for contract in builtin() if contract.name != "answered")
        self.contracts = tuple(known) if contracts is None else tuple(contracts)
        self._seed, self._draw, self._near = seed, draw, near
        self._network: NetworkOptions = network or {}
        self._names = [peer.name for peer in seated]
        self._lasts_s = 1.0
        self._runs = 0

    def search(self, runs: int = 500, *, most: int = 6) -> Stressed:
        """Try so many runs at most, with so many perturbations in each; return the fewest that break a contract.

        Raises:
            UsageError: there is nothing to try.
        """
        if runs < 1 or most < 1:
            raise UsageError(f"a search needs at least one run and one perturbation, got {runs} and {most}")
        self._runs = 0
        rng = Random(f"stress {self._seed}")
        first = self._tried(())
        if first.broken:
            return self._ended(first, "none")
        tried = [first]
        for way, until in (
            ("random", runs * RANDOM_SHARE),
            ("greedy", runs * (RANDOM_SHARE + GREEDY_SHARE)),
            ("evolution", float(runs)),
        ):
            while self._runs < until:
                next_ = self._tried(self._next(way, rng, tried, most))
                if next_.broken:
                    return self._ended(next_, way)
                tried = self._kept(tried, next_)
        return Stressed(perturbations=None, runs=self._runs)

    def play(self, perturbations: Sequence[Perturbation]) -> Run:
        """Run once with these perturbations.

        Raises:
            RunFailed: it did not come to an end, or nobody answered.
            UnknownName: a perturbation names nobody here.
        """
        options: NetworkOptions = {"linger_s": 0.0, **self._network}
        for perturbation in perturbations:
            if isinstance(perturbation, Duplicated):
                options["duplicate"] = perturbation.chance
            elif isinstance(perturbation, Reordered):
                options["reorder"] = perturbation.chance
        return simulate(
            self._protocol, self._question, peers=strained(self._peers, perturbations), seed=self._seed,
            faults=network_faults(perturbations), **options,
        )  # fmt: skip

    # -- trying -------------------------------------------------------------------------------------------------

    def _tried(self, perturbations: tuple[Perturbation, ...]) -> _Tried:
        self._runs += 1
        try:
            run = self.play(perturbations)
        except (Deadlock, Endless):
            return _Tried(perturbations, frozenset({_NO_END}), 0)
        except RunFailed:
            return _Tried(perturbations, frozenset(), 0)
        if not perturbations:
            self._lasts_s = max(run.virtual_s, 0.1)
        found = check(run.log, self.contracts)
        return _Tried(perturbations, frozenset(v.contract for v in found.violations), self._near(run))

    def _next(self, way: str, rng: Random, tried: Sequence[_Tried], most: int) -> tuple[Perturbation, ...]:
        """Return what to try next."""

        def drawn() -> Perturbation:
            return self._draw(rng, self._names, self._lasts_s)

        if way == "random":
            return tuple(drawn() for _ in range(rng.randint(1, most)))
        if way == "greedy":
            best = list(tried[0].perturbations)
            if len(best) >= most:
                best.pop(rng.randrange(len(best)))
            return (*best, drawn())
        one, other = rng.choice(tried).perturbations, rng.choice(tried).perturbations
        child = [p for p in (*one, *other) if rng.random() < _HALF]
        if rng.random() < _HALF or not child:
            child.append(drawn())
        rng.shuffle(child)
        return tuple(child[:most])

    @staticmethod
    def _kept(tried: Sequence[_Tried], new: _Tried) -> list[_Tried]:
        """Return the nearest of those tried; of equals those with fewer perturbations, then the newer."""
        ranked = sorted((new, *tried), key=lambda each: (-each.near, len(each.perturbations)))
        return ranked[:POPULATION]

    # -- making fewer -------------------------------------------------------------------------------------------

    def _ended(self, found: _Tried, way: str) -> Stressed:
        runs, self._runs = self._runs, 0

        def breaks(some: Sequence[Perturbation]) -> bool:
            return bool(self._tried(tuple(some)).broken & found.broken)

        few = fewest(found.perturbations, breaks)
        for i in range(len(few)):
            while True:
                milder_ = next((m for m in milder(few[i]) if breaks([*few[:i], m, *few[i + 1 :]])), None)
                if milder_ is None:
                    break
                few[i] = milder_
        shrinking = self._runs
        violations: tuple[Violation, ...] = ()
        failure = ""
        try:
            violations = check(self.play(few).log, self.contracts).violations
        except RunFailed as why:
            failure = str(why)
        return Stressed(
            perturbations=tuple(few), found=found.perturbations, violations=violations, failure=failure, runs=runs,
            way=way, shrinking=shrinking,
        )  # fmt: skip


_NO_END = "the run comes to an end"
"""What is broken by a run in which somebody waits for ever, beside the contracts."""
_HALF = 0.5
