"""Who ran what, and what came out: runs that peers publish, and what may be believed of them.

Each pair of program and input is run by two peers, drawn by rendezvous hash. Where they agree, that is the output;
where they do not, the next peer of the pair's order runs it too, until one output has two reports and more than any
other. So one liar decides no pair, and cannot cancel the pairs of programs that it dislikes; a pair on which many
differ is a flaky program. Withstands fewer than `least` liars; does not withstand `least` in league.
Source: the record of runs is FunCoder's (arXiv:2405.20092); that others check it, and how, is ours.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec
from blake3 import blake3

from waggledance.core import Body, Message, PeerId, UsageError
from waggledance.tasks._functional_consensus import CRASH, Candidate

_Hash = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class BehaviourRun(Body, frozen=True, gc=False):
    """What came out when its author ran one program on one input."""

    kind: ClassVar[str] = "behaviour-run/1"
    program: _Hash
    input: _Hash
    output: _Hash | None
    """The hash of what came out; None when nothing did: a crash, a time-out."""

    @classmethod
    def of(cls, program: str, input: str, output: str) -> BehaviourRun:
        """Make the report of a run from texts, as `behaviours` takes and returns them."""
        crashed = output.startswith(CRASH)
        return cls(program=digest(program), input=digest(input), output=None if crashed else digest(output))


@dataclass(frozen=True)
class Agreed:
    """What may be believed."""

    candidates: tuple[Candidate, ...]
    """The programs as they were given, with hashes as outputs; None where a pair is still open."""
    wanted: tuple[tuple[str, str, PeerId], ...]
    """Which pairs of program and input are still open, and who is to run each next."""
    denied: tuple[PeerId, ...]
    """Who reported otherwise than was found, sorted: liars, or the unlucky runners of a flaky program."""


def digest(text: str) -> bytes:
    """Return the hash that names a program, an input or an output."""
    return blake3(b"waggle/run/1\0" + text.encode(errors="replace")).digest()


def runners(program: str, input: str, roster: Iterable[PeerId]) -> list[PeerId]:
    """Return everybody in the order in which they run a pair; the first two begin."""
    pair = digest(program) + digest(input)
    return sorted(set(roster), key=lambda peer: blake3(b"waggle/runner/1\0" + pair + peer).digest())


def agreed(
    programs: Sequence[str],
    inputs: Sequence[str],
    reports: Iterable[Message[BehaviourRun]],
    roster: Sequence[PeerId],
    *,
    least: int = 2,
) -> Agreed:
    """Return what peers' reports say together: a function of their set.

    Args:
        programs: what was to be run.
        inputs: on what.
        reports: who saw what; a peer that reports twice and otherwise on one pair has said nothing about it.
        roster: whose reports count.
        least: how many must report the same, 1 <= least <= peers; more than there are liars.

    Raises:
        UsageError: `least` is out of range.
    """
    members = set(roster)
    if not 1 <= least <= len(members):
        raise UsageError(f"from 1 to {len(members)} peers must report the same, got least={least}")
    said: defaultdict[tuple[bytes, bytes], dict[PeerId, set[bytes | None]]] = defaultdict(dict)
    for message in reports:
        if message.author in members:
            of_pair = said[message.body.program, message.body.input]
            of_pair.setdefault(message.author, set()).add(message.body.output)
    wanted: list[tuple[str, str, PeerId]] = []
    denied: set[PeerId] = set()
    candidates: list[Candidate] = []
    for program in programs:
        outputs: list[str | None] = []
        for input in inputs:
            of_pair = said.get((digest(program), digest(input)), {})
            found, output = _found(of_pair, least)
            outputs.append((CRASH if output is None else output.hex()) if found else None)
            if found:
                denied.update(peer for peer, outs in of_pair.items() if outs != {output})
            else:
                order = [peer for peer in runners(program, input, members) if peer not in of_pair]
                wanted += [(program, input, peer) for peer in order[: max(1, least - len(of_pair))]]
        candidates.append(Candidate(program, tuple(outputs)))
    return Agreed(tuple(candidates), tuple(wanted), tuple(sorted(denied)))


def _found(of_pair: dict[PeerId, set[bytes | None]], least: int) -> tuple[bool, bytes | None]:
    """Return whether one output has enough reports and more than any other, and which it is."""
    counts = Counter(next(iter(outs)) for outs in of_pair.values() if len(outs) == 1).most_common(2)
    if not counts or counts[0][1] < least or (len(counts) == 2 and counts[1][1] == counts[0][1]):
        return False, None
    return True, counts[0][0]
