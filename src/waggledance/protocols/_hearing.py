"""Hearing: what one peer hears in a round, by its topology's plan.

Most topologies are plain: whole texts of the last round, and a peer only has to know whose. Other plans have edges with
a budget, edges through which one summary passes instead of texts, and layers, in which later speakers answer to what
earlier ones say in the same round.

A summary is written by one member of the group, drawn from the seed among those who answered, and heard as one proposal
that speaks for the group: the answer most of it gives, how many give which, counted by the listener itself, and the
writer's words. So a member that sums up falsely can choose words, not votes. Where there are no words, because the
writer is silent, failed or cannot write, or because the run's messages are counted, the group's shortest text for that
answer takes their place.
Source of the idea: goagent (arXiv:2603.19677) and HyperAgent (arXiv:2510.10611) pass compressed texts between groups;
counted votes and the extract are ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence

import msgspec

from waggledance.consensus import tie_break
from waggledance.core import (
    Message,
    MessageId,
    Note,
    PeerId,
    Proposal,
    Seat,
    UsageError,
    after,
    everyone,
    well_formed,
)
from waggledance.protocols._reading import cut, drawn, tokens, within
from waggledance.topology import Hearing, Hyperedge, Topology

SUMMARY = "summary"
"""What a note is about that sums up a group."""


Heard = tuple[Message[Proposal], ...]


def hear(
    topology: Topology, seat: Seat, round: int, said: Sequence[Message[Proposal]], *, patience_s: float
) -> Heard | Awaitable[Heard]:
    """Return what a seat hears before it speaks again, never its own words: at once where the topology is plain.

    Else it is awaited, as plans may have layers and summaries to wait for: at most `patience_s` in all, of which each
    step has an equal part.

    Args:
        topology: who hears whom.
        seat: who listens.
        round: which round of hearing, from 0.
        said: the last round's proposals.
        patience_s: how long a round waits for those who are late, in seconds.

    Returns:
        Proposals, sorted by id. One that was cut to a budget keeps the id of the whole; a summary has its note's.
    """
    if not getattr(topology, "plain", False):
        return _hear_by_plan(topology, seat, round, said, patience_s)
    me = seat.me
    speakers = topology.speakers(me, round, seat.roster, said, seat.seed)
    if speakers is None:
        return tuple([m for m in said if m.author != me])
    return tuple([m for m in said if m.author in speakers and m.author != me])


async def _hear_by_plan(
    topology: Topology, seat: Seat, round: int, said: Sequence[Message[Proposal]], patience_s: float
) -> Heard:
    plan = topology.plan(round, seat.roster, said, seat.seed)
    new, notes = await _awaited(seat, plan, round, said, patience_s)
    return heard_through(plan, seat.me, said, new, notes, round=round, seed=seat.seed)


def heard_through(
    plan: Hearing,
    me: PeerId,
    said: Sequence[Message[Proposal]],
    new: Sequence[Message[Proposal]] = (),
    notes: Sequence[Message[Note]] = (),
    *,
    round: int,
    seed: int,
) -> Heard:
    """Return what a peer hears through the edges of a plan: a pure function.

    What it hears whole through one edge takes nothing from another's budget, and nothing is heard twice.

    Args:
        plan: the round's hyperedges.
        me: who listens.
        said: the last round's proposals.
        new: the new round's proposals so far, of those who speak earlier.
        notes: the round's notes; those that sum up a group are read.
        round: which round of hearing, from 0.
        seed: the run's seed.
    """
    old_of, new_of, layers = _by_author(said), _by_author(new), _layers(plan)

    def newest_of(peer: PeerId, layer: int) -> Sequence[Message[Proposal]]:
        spoke_before = layers.get(peer, 0) < layer and peer in new_of
        return (new_of if spoke_before else old_of).get(peer, ())

    mine = sorted([edge for edge in plan if me in edge.listeners], key=lambda edge: edge.budget_tokens is not None)
    heard: dict[MessageId, Message[Proposal]] = {}
    for edge in mine:
        if edge.mode == "full":
            texts = [m for peer in edge.speakers - {me} for m in newest_of(peer, edge.layer) if m.id not in heard]
            if edge.budget_tokens is not None:
                texts = list(within(texts, edge.budget_tokens, me=me, round=round, seed=seed))
            heard.update((m.id, m) for m in texts)
    writers = _writers(plan, said, round, seed)
    for edge in mine:
        writer = writers.get(edge.speakers)
        if edge.mode == "summary" and writer != me:
            note = next((n for n in notes if n.author == writer and n.body.about == SUMMARY), None)
            spoken = spokesman([m for m in said if m.author in edge.speakers], note, edge.budget_tokens)
            if spoken is not None:
                heard.setdefault(spoken.id, spoken)
    return tuple(sorted(heard.values()))


def spokesman(
    group: Sequence[Message[Proposal]], note: Message[Note] | None, budget_tokens: int | None = None
) -> Message[Proposal] | None:
    """Return one proposal that speaks for a group: its leading answer, how many give which, and a summary's words.

    Args:
        group: what the group's members proposed.
        note: the summary that one of them wrote; None, or one without text, when there is none: then the shortest text
            for the leading answer stands for it.
        budget_tokens: how many tokens may be read; words are cut to fit, counts and answers never.

    Returns:
        None when nobody in the group has an answer, or the answer alone does not fit.
    """
    counts = Counter(m.body.key for m in group if m.body.key is not None)
    if not counts:
        return None
    channel = group[0].channel
    order = sorted(counts, key=lambda key: (-counts[key], tie_break(channel, key)))
    leading = [m for m in group if m.body.key == order[0]]
    shortest = min(leading, key=lambda m: (not m.body.text, len(m.body.text), m.id))
    id, author, words = shortest.id, shortest.author, shortest.body.text
    if note is not None and note.body.text:
        id, author, words = note.id, note.author, note.body.text
    counted = _counted(order, counts)
    if budget_tokens is not None:
        left = budget_tokens - tokens(order[0])
        if left < 0:
            return None
        counted = counted if tokens(counted) <= left else ""
        words = cut(words, left - tokens(counted + " "))
    text = f"{counted} {words}".strip()
    body = Proposal(round=shortest.body.round, key=order[0], text=text)
    return msgspec.structs.replace(shortest, id=id, author=author, body=body)


async def _awaited(
    seat: Seat, plan: Hearing, round: int, said: Sequence[Message[Proposal]], patience_s: float
) -> tuple[Sequence[Message[Proposal]], Sequence[Message[Note]]]:
    """Write the summary that is this seat's to write; return the new round's proposals and notes that it listens to."""
    layers = _layers(plan)
    counted = seat.meter.budget.messages is not None  # then every message is planned for, and a note would take one's
    writers = _writers(plan, () if counted else said, round, seat.seed)
    mine = [edge for edge in plan if seat.me in edge.listeners]
    share_s = patience_s / (1 + max(layers.values(), default=0) + bool(writers))
    start_s = seat.clock.now()
    for group, writer in writers.items():
        if writer == seat.me:
            await _sum_up(seat, [m for m in said if m.author in group])
    notes: Sequence[Message[Note]] = ()
    of = frozenset(writers[e.speakers] for e in mine if e.mode == "summary" and e.speakers in writers) - {seat.me}
    if of:
        notes = await seat.collect(Note, said[0].body.round + 1, until=everyone | after(share_s), of=of)
    of = _earlier(mine, layers, frozenset(m.author for m in said))
    if not of:
        return (), notes
    until_s = start_s + share_s * (layers[seat.me] + bool(writers))
    left = after(max(0.0, until_s - seat.clock.now()))
    return await seat.collect(Proposal, said[0].body.round + 1, until=everyone | left, of=of), notes


def _earlier(mine: Sequence[Hyperedge], layers: Mapping[PeerId, int], spoke: frozenset[PeerId]) -> frozenset[PeerId]:
    """Return who speaks anew before this seat does, of those it hears in full."""
    full = [edge for edge in mine if edge.mode == "full" and edge.layer]
    return frozenset(peer for edge in full for peer in edge.speakers & spoke if layers.get(peer, 0) < edge.layer)


async def _sum_up(seat: Seat, group: Sequence[Message[Proposal]]) -> None:
    """Publish a summary of what a group said, or a note without text that says why, so that nobody waits for it."""
    round = group[0].body.round + 1  # the round that it is written for; notes before the first answers are of round 0
    try:
        note = await seat.note(SUMMARY, group, round)
    except UsageError as why:
        note = Note(round=round, about=SUMMARY, text="", lapse=well_formed(str(why)))
    await seat.publish(note)


def _writers(
    plan: Hearing, said: Sequence[Message[Proposal]], round: int, seed: int
) -> Mapping[frozenset[PeerId], PeerId]:
    """Return who sums up each group: a member that has an answer, drawn; nobody for two groups in a round."""
    answered = {m.author for m in said if m.body.key is not None}
    writers: dict[frozenset[PeerId], PeerId] = {}
    for edge in plan:
        if edge.mode == "summary" and edge.speakers not in writers:
            free = (edge.speakers & answered).difference(writers.values())
            if free and edge.listeners:
                writers[edge.speakers] = min(free, key=lambda peer: drawn(b"", me=peer, round=round, seed=seed))
    return writers


def _layers(plan: Hearing) -> dict[PeerId, int]:
    """Return when each listener speaks: the last of the layers in which it hears texts; others speak in layer 0."""
    layers: dict[PeerId, int] = {}
    for edge in plan:
        if edge.mode == "full":
            for peer in edge.listeners:
                layers[peer] = max(edge.layer, layers.get(peer, 0))
    return layers


def _by_author(said: Sequence[Message[Proposal]]) -> Mapping[PeerId, Sequence[Message[Proposal]]]:
    by: dict[PeerId, list[Message[Proposal]]] = {}
    for message in said:
        by.setdefault(message.author, []).append(message)
    return by


def _counted(order: Sequence[str], counts: Mapping[str, int]) -> str:
    """Say in words how many gave which answer, the leading one first.

    >>> _counted(["42", "41"], {"41": 1, "42": 2})
    'Of 3 peers 2 answer 42, 1 answers 41.'
    """
    told = ", ".join(f"{counts[key]} {'answers' if counts[key] == 1 else 'answer'} {key}" for key in order)
    return f"Of {sum(counts.values())} peers {told}."
