"""One question, from the opening that says what is asked to the outcome that says what was decided.

A run that goes on from a log is given what was said; who sat there sits there again, under the same ids.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec

from waggledance.consensus import Rule, majority, name_of
from waggledance.core import (
    NO_COST,
    UNSEEN,
    Body,
    Budget,
    Channel,
    Cost,
    Cut,
    Decision,
    Judgement,
    Member,
    Message,
    MessageId,
    Meter,
    Note,
    Opening,
    Outcome,
    Peer,
    PeerId,
    PlainBudget,
    Proposal,
    Roster,
    RunFailed,
    Seat,
    Table,
    Witness,
    opening_of,
    outcome_of,
    parted,
    well_formed,
)
from waggledance.network import Gathering
from waggledance.protocols import AskProtocol, spelled

IDS_A_CUT = 1_500
MEMBERS_AN_OPENING = 500


class Journal(Protocol):
    """Where messages are kept; `Log` is one."""

    def append(self, message: Message[Any], raw: bytes, /) -> None:
        """Take a message; it may be written a little later."""
        ...

    async def flush(self) -> None:
        """Return when everything taken so far is on disk."""
        ...

    def __len__(self) -> int:
        """Return how many channels are there; new ones are numbered on from it."""
        ...

    def __contains__(self, channel: str, /) -> bool:
        """Say whether a channel of this name is there already."""
        ...


class NobodyAnswered(RunFailed):
    """No peer gave an answer, so there is nothing to decide. Carries each peer's reason."""

    def __init__(self, channel: str, reasons: Mapping[str, str], waited_s: float) -> None:
        super().__init__(channel, dict(reasons), waited_s)
        self.channel, self.reasons, self.waited_s = channel, dict(reasons), waited_s

    def __str__(self) -> str:
        counted = Counter(reason or "silent" for reason in self.reasons.values())
        said = "; ".join(f"{n} of {len(self.reasons)}: {reason}" for reason, n in counted.most_common(3))
        return f"channel {self.channel!r}: no peer gave an answer in {self.waited_s:.1f} s. {said}"


def said_last(
    messages: Iterable[Message[Any]],
) -> tuple[tuple[Message[Proposal], ...], tuple[Message[Judgement], ...]]:
    """Return every peer's latest answer and all judgements, sorted by id: what a run that is cut short decides on."""
    latest: dict[PeerId, Message[Proposal]] = {}
    judgements: list[Message[Judgement]] = []
    for message in messages:
        if isinstance(message.body, Proposal) and (message.body.key is not None or message.author not in latest):
            latest[message.author] = message
        elif isinstance(message.body, Judgement):
            judgements.append(message)
    return tuple(sorted(latest.values())), tuple(sorted(judgements))


def cost_of(messages: Iterable[Message[Any]]) -> Cost:
    """Return the sum of what messages say that they cost."""
    return sum((m.body.cost for m in messages if isinstance(m.body, Proposal | Judgement | Note)), NO_COST)


def who_answered(used: Iterable[Message[Any]], messages: Iterable[Message[Any]], *, folded: bool) -> set[PeerId]:
    """Return who had a part in a decision.

    Args:
        used: what it rests on.
        messages: all of its channel.
        folded: whether it is a fold of a plan's messages, to which not all who did something add.
    """
    answered = {m.author for m in used if not isinstance(m.body, Proposal) or m.body.key is not None}
    if folded:
        answered.update(m.author for m in messages if isinstance(m.body, Proposal) and m.body.text)
    return answered


class Run:
    """One question, from its opening to its outcome."""

    def __init__(
        self,
        peers: tuple[Peer, ...],
        gathering: Gathering,
        table: Table,
        protocol: AskProtocol,
        budget: Budget,
        log: Journal | None,
        first: Sequence[Body] = (),
        said: Sequence[Message[Any]] = (),
        witness: Witness = UNSEEN,
        ended: Callable[[Decision, Sequence[Message[Any]]], None] | None = None,
    ) -> None:
        self.gathering = gathering
        self._ended = ended
        self._first, self._said, self._witness = first, said, witness
        self.partial: Decision | None = None
        self._tasks: Sequence[asyncio.Task[Decision]] = ()
        self._bug: Exception | None = None
        """What a seat raised that is no `RunFailed`."""
        self._peers, self._table, self._protocol, self._log = peers, table, protocol, log
        self._rule: Rule = getattr(protocol, "decide", majority)
        self._fold: Callable[[Sequence[Message[Any]]], Decision] | None = getattr(protocol, "folded", None)
        """Of a `Folding` protocol; to ask for that by its type costs a question 7 µs each time."""
        self._clock = gathering.clock
        self._started_s = self._clock.now()
        self._meter = Meter(budget, self._clock)
        self._desk = gathering.copy(gathering.asker)

    async def decide(self) -> Decision:
        opening = opening_of(self._said) or self._write_opening()
        tasks = self._tasks = [
            self.gathering.start(member, partial(self._run_seat, i, opening))
            for i, member in enumerate(self.gathering.members)
        ]
        try:
            decisions, failures = await self._all_seats()
            decision = self._complete(self._of_seats(decisions), failures)
            decision = await self._write_outcome(decision)
            if decision.status == "undecided" and self._meter.spent_out() is None:
                self._raise_if_nobody_answered(decision)
            if self._ended is not None:
                self._ended(decision, self.messages())
            return decision
        except asyncio.CancelledError:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            so_far = self._complete(self._of_what_is_there(), ["interrupted: decided on what had been said"])
            self.partial = await self._write_outcome(so_far)
            raise
        finally:
            for task in tasks:
                task.cancel()
            await self.gathering.close()

    def messages(self) -> tuple[Message[Any], ...]:
        """Return everything that was said, as far as the asker knows, causes before effects."""
        return self._desk.messages()

    @property
    def cost(self) -> Cost:
        """What was spent so far."""
        return self._meter.cost if self.gathering.spent is None else self.gathering.spent

    @property
    def seconds(self) -> float:
        """How long the run has been going on, in seconds of its network's clock."""
        return self._clock.now() - self._started_s

    async def _all_seats(self) -> tuple[list[Decision], list[str]]:
        """Wait for every seat; return what they decided, and why others could not.

        One after the other, because `asyncio.gather` wakes up once for each.
        """
        decisions: list[Decision] = []
        failures: list[str] = []
        for task in self._tasks:
            try:
                decisions.append(await task)
            except RunFailed as why:
                failures.append(str(why))
            except (asyncio.CancelledError, Exception):
                if self._bug is None:
                    raise
        if self._bug is not None:
            raise self._bug
        return decisions, failures

    async def _run_seat(self, i: int, opening: Message[Any], channel: Channel) -> Decision:
        if channel.complete and self._fold is not None:
            return self._fold(channel.messages())
        seat = Seat(
            me=self.gathering.members[i],
            peer=self._peers[i],
            table=self._table,
            channel=channel,
            clock=self._clock,
            meter=self._meter,
            opening=opening,
            witness=self._witness,
        )
        try:
            decision = await self._protocol(seat)
            seat.remember(decision)
            return decision
        except RunFailed:
            raise
        except Exception as why:
            self._bug = self._bug or why
            for task in self._tasks:  # nobody waits for a seat that will not speak again
                task.cancel()
            raise

    def _write_opening(self) -> Message[Any]:
        table, budget = self._table, self._meter.budget
        members = tuple(Member(id, table.names[id], table.weights[id]) for id in table.roster)
        name, topology, _ = spelled(self._protocol)
        question, parts = parted(table.question)
        opening = Opening(
            question=question,
            members=members[:MEMBERS_AN_OPENING],
            protocol=name,
            topology=topology,
            rule=name.partition("(")[0] if self._fold is not None else name_of(self._rule),
            seed=table.seed,
            certify=self.gathering.certify or msgspec.UNSET,
            limits=msgspec.UNSET if budget == Budget() else PlainBudget.of(budget),
        )
        first = self._publish(opening, [])
        for part in parts:
            self._publish(part, [first])
        for start in range(MEMBERS_AN_OPENING, len(members), MEMBERS_AN_OPENING):
            self._publish(Roster(members=members[start : start + MEMBERS_AN_OPENING]), [first])
        for body in self._first:
            self._publish(body, [first])
        return first

    def _publish(self, body: Any, built_on: list[Message[Any]]) -> Message[Any]:
        return self._desk.publish(self.gathering.asker, body, built_on, self._clock.wall_ms())

    def _of_seats(self, decisions: list[Decision]) -> Decision:
        """Return the decision that most seats came to; of equals the one that rests on most messages."""
        if not decisions:
            return self._of_what_is_there()
        first = decisions[0]
        if all(d.used == first.used and d.key == first.key for d in decisions[1:]):
            return first
        by_id: dict[bytes, list[Decision]] = {}
        for decision in decisions:
            by_id.setdefault(decision.id, []).append(decision)
        if len(by_id) == 1:
            return first
        id = min(by_id, key=lambda id: (-len(by_id[id]), -len(by_id[id][0].used), id))
        note = f"peers decided on different sets of messages; {len(by_id[id])} of {len(decisions)} on this one"
        return msgspec.structs.replace(by_id[id][0], notes=(*by_id[id][0].notes, note))

    def _of_what_is_there(self) -> Decision:
        """Decide on every peer's latest answer, when no seat came to the end of the protocol."""
        proposals, judgements = said_last(self._desk.messages())
        return self._rule(proposals, judgements, self._table.weights)

    def _complete(self, decision: Decision, more_notes: list[str]) -> Decision:
        """Add what only the whole run knows: who was silent, what it cost, what ran out."""
        notes = list(dict.fromkeys([*decision.notes, *map(well_formed, more_notes)]))
        spent = self._meter.spent_out()
        if spent is not None and not any(str(spent) in note for note in notes):
            notes.append(f"{spent}; decided on what is there")
        notes += self.gathering.notes
        used = [message for id in decision.used if (message := self._desk.get(id)) is not None]
        folded = self._fold is not None
        answered = who_answered(used, self._desk.messages() if folded else (), folded=folded)
        lapses = Counter(m.body.lapse for m in used if isinstance(m.body, Judgement) and m.body.lapse)
        notes += [
            f"{n} judgement{'s lack' if n != 1 else ' lacks'} verdicts: {lapse}"
            for lapse, n in sorted(lapses.items())[:3]
        ]
        return msgspec.structs.replace(
            decision,
            notes=tuple(notes),
            silent=tuple(peer for peer in self._table.roster if peer not in answered),
            cost=self.cost,
            seconds=self.seconds,
            names=self._table.names,
            channel=self._desk.name,
            certificate=self.gathering.certificate,
        )

    async def _write_outcome(self, decision: Decision) -> Decision:
        """Write down what was decided; return the decision, with a note if the log could not be written."""
        written = outcome_of(self._said)
        if written is not None and written.body.decision == decision.id:  # by the process that this run goes on from
            return decision
        used: tuple[MessageId, ...] = decision.used
        cuts = [
            self._publish(Cut(ids=used[start : start + IDS_A_CUT]), [])
            for start in range(0, max(1, len(used)), IDS_A_CUT)
        ]
        outcome = Outcome(
            status=decision.status, key=decision.key, rule=decision.rule, decision=decision.id, notes=decision.notes,
            spent=self._beyond_messages(decision.cost),
        )  # fmt: skip
        self._publish(outcome, list(cuts))
        try:
            if self._log is not None:
                await self._log.flush()
        except RunFailed as why:
            return msgspec.structs.replace(decision, notes=(*decision.notes, f"not all of this is in the log: {why}"))
        return decision

    def _beyond_messages(self, cost: Cost) -> Cost | msgspec.UnsetType:
        """Return what was spent if some of it is in no message's cost."""
        told = cost_of(self._desk.messages())
        return cost if cost.calls > told.calls or cost.tokens > told.tokens else msgspec.UNSET

    def _raise_if_nobody_answered(self, decision: Decision) -> None:
        reasons: dict[str, str] = dict.fromkeys(self._table.names.values(), "")
        for message in self._desk.messages():
            if isinstance(message.body, Proposal):
                if message.body.text:
                    return
                reasons[self._table.names.get(message.author, "")] = message.body.lapse
        raise NobodyAnswered(self._desk.name, reasons, decision.seconds)
