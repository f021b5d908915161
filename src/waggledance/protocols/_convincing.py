"""Convincing examples: explanations that once changed a peer's answer from wrong to right, told to the others first.

Each peer is asked training questions, wherever it is wrong is shown an explanation, and asked again. Where it is right
then, the explanation has convinced it. At a round table every peer first publishes its own such examples as a note, and
answers with the others' notes as a guide: it learns what convinces those whom it will talk to. The notes are a constant
beginning of all prompts of a run. Source: Chen, Saha, Bansal 2023, "ReConcile", arXiv:2309.13007, section 3; its code
shows four of each other peer (github.com/dinobby/ReConcile).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from blake3 import blake3

from waggledance.core import Condition, Message, Note, PeerId, Proposal, Seat, UsageError, well_formed

EXAMPLES = "worked-examples"
"""What a note is about that holds them."""
PER_PEER = 4
"""As in the paper's code."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A training question that a peer answered twice: alone, and after it was shown an explanation."""

    question: str
    key: str
    """The right answer, canonical."""
    before: str | None
    """The peer's canonical answer alone; None when it had none, which counts as wrong."""
    after: str | None
    explanation: str
    """What it was shown, by a human or another peer."""


Examples = Mapping[str, str]
"""By peer's name: its convincing examples, as one text."""


def convincing(trials: Mapping[str, Iterable[Trial]], *, per_peer: int = PER_PEER) -> Examples:
    """Choose each peer's convincing examples, and tell them as a text.

    Args:
        trials: by peer's name, in any order.
        per_peer: how many of each peer's are told at most, ≥ 1; drawn by hash of the question, which favours none.

    Returns:
        By peer's name; peers that were convinced by nothing are left out.

    Raises:
        UsageError: `per_peer` is below 1, or an example that convinced has no explanation.

    >>> trial = Trial(question="2+2*2?", key="6", before="8", after="6", explanation="Times goes before plus.")
    >>> convincing({"ada": [trial], "bob": [msgspec.structs.replace(trial, after="8")]})
    {'ada': 'Question: 2+2*2?\\nTimes goes before plus.\\nAnswer: 6'}
    """
    if per_peer < 1:
        raise UsageError(f"at least one example of each peer is told, got per_peer={per_peer}")
    told: dict[str, str] = {}
    for peer in sorted(trials):
        convinced = {trial for trial in trials[peer] if trial.before != trial.key == trial.after}
        if not all(trial.explanation.strip() for trial in convinced):
            raise UsageError(f"an example that convinced {peer!r} has no explanation: leave it out of the trials")
        drawn = sorted(convinced, key=lambda t: (blake3(t.question.encode()).digest(), t.explanation))[:per_peer]
        if drawn:
            told[peer] = "\n\n".join(f"Question: {t.question}\n{t.explanation}\nAnswer: {t.key}" for t in drawn)
    return told


async def guided(
    seat: Seat, in_time: Condition, turns: int, examples: Examples
) -> tuple[Message[Proposal], frozenset[PeerId] | None]:
    """Publish the seat's own examples, and propose with the others' as a guide; return that, and who is here.

    With one turn there is none for a note, and the seat just proposes.
    """
    if turns < 2:
        return await seat.publish(await seat.propose()), None
    if seat.name in examples:
        await seat.publish(Note(about=EXAMPLES, text=well_formed(examples[seat.name])))
    writers = frozenset(peer for peer in seat.roster if seat.table.names.get(peer) in examples)
    notes = await seat.collect(Note, 0, until=in_time, of=writers) if writers else ()
    others = tuple(m for m in notes if m.author != seat.me and m.body.about == EXAMPLES)
    missed = writers - {m.author for m in notes}
    here = frozenset(peer for peer in seat.roster if peer not in missed) if missed else None
    return await seat.publish(await seat.propose(guide=others)), here
