"""The laws that every protocol keeps, to be run on one of your own."""

from __future__ import annotations

from collections.abc import Sequence

from waggledance.core import Decision, Peer, Question, RunFailed, WaggleError
from waggledance.network import (
    Crash,
    Deadlock,
    Endless,
    Equivocate,
    Exponential,
    Fault,
    Partition,
    Restart,
    Silent,
)
from waggledance.protocols import AskProtocol
from waggledance.testing._simulate import NetworkOptions, Run, simulate


class LawBroken(WaggleError, AssertionError):
    """A protocol does not keep a law; carries the law, the trouble it was put to, the seed, and what was seen."""

    def __init__(self, law: str, trouble: str, seed: int, seen: str) -> None:
        super().__init__(law, trouble, seed, seen)
        self.law, self.trouble, self.seed, self.seen = law, trouble, seed, seen

    def __str__(self) -> str:
        return f"the law {self.law!r} is broken with {self.trouble}, seed {self.seed}: {self.seen}"


def check_protocol(
    protocol: AskProtocol,
    *,
    question: str | Question = "What is 2 + 2?",
    peers: int | Sequence[Peer] = 5,
    seeds: Sequence[int] = (1, 2, 3),
) -> None:
    """Check on the simulated network that a protocol keeps the laws.

    - *Every question ends*, with nothing wrong, with loss and disorder, a silent peer, a crash, a restart with an empty
      log, a partition that heals, and a peer that equivocates.
    - *Same seed, same bytes*: a run is repeated exactly.
    - *Equal sets, equal decisions*: peers that rest on the same messages decide alike.

    Args:
        protocol: the protocol.
        question: what to ask.
        peers: who answers; a number stands for so many peers with every skill. At least two.
        seeds: each law is checked with each of them.

    Raises:
        LawBroken: a law is broken; says which, how, and with which seed to see it again.
    """
    for seed in seeds:
        for trouble, (faults, options) in _troubles(peers).items():
            first = _ended(protocol, question, peers, seed, trouble, faults, options)
            again = _ended(protocol, question, peers, seed, trouble, faults, options)
            if first.transcript != again.transcript:
                at = next((i for i, (a, b) in enumerate(zip(first.log, again.log, strict=False)) if a != b), None)
                where = f"message {at} differs" if at is not None else f"{len(first.log)} and {len(again.log)} messages"
                raise LawBroken("same seed, same bytes", trouble, seed, f"{where}; take time and luck from the seat")
            _check_alike(first, trouble, seed)


def _troubles(peers: int | Sequence[Peer]) -> dict[str, tuple[Sequence[Fault], NetworkOptions]]:
    first, second = ("p0", "p1") if isinstance(peers, int) else (peers[0].name, peers[1].name)
    return {
        "nothing wrong": ((), {}),
        "a third of all messages lost, and disorder": (
            (), {"loss": 0.3, "duplicate": 0.2, "reorder": 0.3, "bit_flip": 0.05, "delay": Exponential(0.1)},
        ),
        "a silent peer": ((Silent(first),), {}),
        "a peer that crashes": ((Crash(first, at_s=0.02),), {}),
        "a peer that restarts with an empty log": ((Crash(first, at_s=0.1), Restart(first, at_s=1.0, log="empty")), {}),
        "a partition that heals": ((Partition((first, second), until_s=5.0),), {}),
        "a peer that equivocates": ((Equivocate(first),), {}),
    }  # fmt: skip


def _ended(
    protocol: AskProtocol,
    question: str | Question,
    peers: int | Sequence[Peer],
    seed: int,
    trouble: str,
    faults: Sequence[Fault],
    options: NetworkOptions,
) -> Run:
    try:
        return simulate(protocol, question, peers=peers, seed=seed, faults=faults, **options)
    except (Deadlock, Endless) as why:
        raise LawBroken("every question ends", trouble, seed, str(why)) from why
    except RunFailed as why:
        raise LawBroken("every question ends in a decision", trouble, seed, str(why)) from why


def _check_alike(run: Run, trouble: str, seed: int) -> None:
    by_set: dict[tuple[bytes, ...], tuple[str, Decision]] = {}
    for name, decision in run.decisions.items():
        before, other = by_set.setdefault(decision.used, (name, decision))
        if decision.id != other.id:
            raise LawBroken(
                "equal sets, equal decisions", trouble, seed,
                f"{before} and {name} rest on the same {len(decision.used)} messages; one decided {other.key!r}, "
                f"the other {decision.key!r}",
            )  # fmt: skip
