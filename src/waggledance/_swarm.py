"""A swarm: the peers a user holds, and what can be asked of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import is_dataclass, replace
from functools import partial
from typing import Any, Protocol, cast

import msgspec
from blake3 import blake3

from waggledance.consensus import Once, Rule, majority, name_of
from waggledance.core import (
    UNIT,
    AnswerKind,
    Budget,
    Channel,
    Cut,
    Decision,
    Judgement,
    Member,
    Message,
    MessageId,
    Meter,
    Opening,
    Outcome,
    Peer,
    Proposal,
    Question,
    Roster,
    RunFailed,
    Seat,
    Table,
    UsageError,
    swarm_id,
    well_formed,
)
from waggledance.network import Gathering, Local, Network
from waggledance.protocols import AskProtocol, Debate, check_fit

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
        return f"channel {self.channel!r}: no peer answered within {self.waited_s:.1f} s. {said}"


class Interrupted(RunFailed):
    """The run was stopped from outside; `partial` is the decision over what had been said by then, if anything."""

    exit_code = 130

    def __init__(self, partial: Decision | None) -> None:
        super().__init__(partial)
        self.partial = partial

    def __str__(self) -> str:
        return "interrupted; everything said so far is in the log"


class Swarm:
    """Peers that answer questions together.

    Args:
        peers: who takes part; names must differ.
        network: where they meet; one process by default.
        protocol: what is said when; a plain two-round debate by default.
        log: where every message is kept; nowhere when None.
        weights: voting weight by peer name, 1.0 for those left out; finite and ≥ 0.
        name: the swarm's name, inside every message.
        seed: same seed, same draws.

    >>> from waggledance.peers import FunctionPeer
    >>> swarm = Swarm([FunctionPeer(f"p{i}", lambda question: "4") for i in range(3)])
    >>> swarm.ask_sync("2 + 2?", expects="number").key
    '4'
    """

    def __init__(
        self,
        peers: Sequence[Peer],
        *,
        network: Network | None = None,
        protocol: AskProtocol | None = None,
        log: Journal | None = None,
        weights: Mapping[str, float] | None = None,
        name: str = "swarm",
        seed: int = 0,
    ) -> None:
        if not peers:
            raise UsageError("a swarm needs at least one peer, got none")
        self.peers = tuple(peers)
        self._names = tuple(peer.name for peer in peers)
        twice = [name for name, n in Counter(self._names).items() if n > 1]
        if twice:
            raise UsageError(
                f"{len(twice)} peer name(s) stand for two peers, among them {twice[0]!r}: give each its own"
            )
        for who, weight in (weights or {}).items():
            if who not in self._names:
                raise UsageError(f"a weight is given for {who!r}, who is not among the peers {', '.join(self._names)}")
            if not 0 <= weight <= 1e6:
                raise UsageError(f"the weight of {who!r} is {weight}; it must lie between 0 and a million")
        self._weights = tuple(round((weights or {}).get(name, 1.0) * UNIT) for name in self._names)
        self.network: Network = network or Local()
        self.protocol: AskProtocol = protocol or Debate()
        self.log = log
        self.seed = seed
        self._id = swarm_id(name)
        self._asked = 0
        self._fitted: tuple[AskProtocol, AskProtocol] | None = None
        """The last protocol that was checked, as it was given and as it runs."""
        self._seated: Table | None = None
        """The last table, so that many questions share one mapping of names and one of weights."""

    async def ask(
        self,
        question: str | Question,
        *,
        expects: AnswerKind = "short",
        options: Sequence[str] = (),
        protocol: AskProtocol | None = None,
        budget: Budget | None = None,
        seed: int | None = None,
    ) -> Decision:
        """Let the swarm decide a question.

        Args:
            question: its text, or a whole `Question`; with the latter, `expects` and `options` are not looked at.
            expects: how answers are compared.
            options: the options of a question of choice.
            protocol: instead of the swarm's own.
            budget: what it may cost at most; when that is spent, the decision rests on what is there and says so.
            seed: instead of the swarm's own.

        Raises:
            UsageError: the question is empty, or peers, protocol and rule do not fit together; nothing was spent.
            NobodyAnswered: no peer gave an answer.
        """
        run = self._open(question, expects, options, protocol, budget, seed)
        return await run.decide()

    def ask_sync(
        self,
        question: str | Question,
        *,
        expects: AnswerKind = "short",
        options: Sequence[str] = (),
        protocol: AskProtocol | None = None,
        budget: Budget | None = None,
        seed: int | None = None,
    ) -> Decision:
        """Do the same as `ask` from code that is not async, on the network's own event loop.

        Raises:
            Interrupted: Ctrl-C; carries the decision over what had been said by then.
        """
        run: _Run | None = None

        async def main() -> Decision:
            nonlocal run
            run = self._open(question, expects, options, protocol, budget, seed)
            return await run.decide()

        make_loop = getattr(self.network, "new_event_loop", None)
        with asyncio.Runner(loop_factory=make_loop) as runner:
            try:
                return runner.run(main())
            except KeyboardInterrupt:
                raise Interrupted(run.partial if run else None) from None

    async def watch(
        self,
        question: str | Question,
        *,
        expects: AnswerKind = "short",
        options: Sequence[str] = (),
        protocol: AskProtocol | None = None,
        budget: Budget | None = None,
        seed: int | None = None,
    ) -> AsyncIterator[Message[Any] | Decision]:
        """Ask, and yield every message as it is published and the decision at the end. Takes what `ask` takes.

        Leaving the loop early stops the run.
        """
        events: asyncio.Queue[Message[Any] | None] = asyncio.Queue()
        run = self._open(question, expects, options, protocol, budget, seed)
        run.gathering.subscribe(lambda message, _raw: events.put_nowait(message))
        task = asyncio.get_running_loop().create_task(run.decide())
        task.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (message := await events.get()) is not None:
                yield message
            yield await task
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    def _open(
        self,
        question: str | Question,
        expects: AnswerKind,
        options: Sequence[str],
        protocol: AskProtocol | None,
        budget: Budget | None,
        seed: int | None,
    ) -> _Run:
        if isinstance(question, str):
            question = Question(text=question, expects=expects, options=tuple(options))
        protocol = self._fitting(protocol or self.protocol)
        seed = self.seed if seed is None else seed
        mark = blake3(question.text.encode() + b"\0%d" % seed).hexdigest(length=3)
        if self.log is not None:
            self._asked = max(self._asked, len(self.log))
        while True:
            self._asked += 1
            channel = f"q{self._asked}-{mark}"
            if self.log is None or channel not in self.log:
                break
        gathering = self.network.gather(self._id, channel, self._names)
        if self.log is not None:
            gathering.subscribe(self.log.append)
        if self._seated is None or self._seated.roster != gathering.members:
            names = dict(zip(gathering.members, self._names, strict=True))
            weights = dict(zip(gathering.members, self._weights, strict=True))
            self._seated = Table(question, gathering.members, names, weights, seed)
        table = Table(question, gathering.members, self._seated.names, self._seated.weights, seed)
        return _Run(self.peers, gathering, table, protocol, budget or Budget(), self.log)

    def _fitting(self, protocol: AskProtocol) -> AskProtocol:
        """Return the protocol, checked against the peers, with a rule that all seats of a run share."""
        if self._fitted is None or self._fitted[0] is not protocol:
            check_fit(protocol, self.peers)
            runs = protocol
            if is_dataclass(protocol) and "decide" in protocol.__dataclass_fields__:
                runs = cast("AskProtocol", replace(cast("Any", protocol), decide=Once(getattr(protocol, "decide"))))  # noqa: B009
            self._fitted = protocol, runs
        return self._fitted[1]


class _Run:
    """One question, from its opening to its outcome."""

    def __init__(
        self,
        peers: tuple[Peer, ...],
        gathering: Gathering,
        table: Table,
        protocol: AskProtocol,
        budget: Budget,
        log: Journal | None,
    ) -> None:
        self.gathering = gathering
        self.partial: Decision | None = None
        self._peers, self._table, self._protocol, self._log = peers, table, protocol, log
        self._rule: Rule = getattr(protocol, "decide", majority)
        self._clock = gathering.clock
        self._started_s = self._clock.now()
        self._meter = Meter(budget, self._clock)
        self._desk = gathering.copy(gathering.asker)

    async def decide(self) -> Decision:
        opening = self._write_opening()
        tasks = [
            self.gathering.start(member, partial(self._run_seat, i, opening))
            for i, member in enumerate(self.gathering.members)
        ]
        try:
            results = await asyncio.gather(*tasks, return_exceptions=True)
            for result in results:
                if isinstance(result, BaseException) and not isinstance(result, RunFailed):
                    raise result
            decision = self._of_seats([r for r in results if isinstance(r, Decision)])
            decision = self._complete(decision, [str(r) for r in results if isinstance(r, RunFailed)])
            decision = await self._write_outcome(decision)
            if decision.status == "undecided" and self._meter.spent_out() is None:
                self._raise_if_nobody_answered(decision)
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

    async def _run_seat(self, i: int, opening: Message[Any], channel: Channel) -> Decision:
        seat = Seat(
            me=self.gathering.members[i],
            peer=self._peers[i],
            table=self._table,
            channel=channel,
            clock=self._clock,
            meter=self._meter,
            opening=opening,
        )
        return await self._protocol(seat)

    def _write_opening(self) -> Message[Any]:
        table, protocol = self._table, self._protocol
        members = tuple(Member(id, table.names[id], table.weights[id]) for id in table.roster)
        topology = getattr(protocol, "topology", None)
        opening = Opening(
            question=table.question,
            members=members[:MEMBERS_AN_OPENING],
            protocol=str(getattr(protocol, "name", getattr(protocol, "__name__", type(protocol).__name__))),
            topology=str(topology.name) if topology is not None else "",
            rule=name_of(self._rule),
            seed=table.seed,
        )
        first = self._publish(opening, [])
        for start in range(MEMBERS_AN_OPENING, len(members), MEMBERS_AN_OPENING):
            self._publish(Roster(members=members[start : start + MEMBERS_AN_OPENING]), [first])
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
        latest: dict[bytes, Message[Proposal]] = {}
        judgements: list[Message[Judgement]] = []
        for message in self._desk.messages():
            if isinstance(message.body, Proposal) and (message.body.key is not None or message.author not in latest):
                latest[message.author] = message
            elif isinstance(message.body, Judgement):
                judgements.append(message)
        return self._rule(tuple(sorted(latest.values())), tuple(sorted(judgements)), self._table.weights)

    def _complete(self, decision: Decision, more_notes: list[str]) -> Decision:
        """Add what only the whole run knows: who was silent, what it cost, what ran out."""
        notes = list(dict.fromkeys([*decision.notes, *map(well_formed, more_notes)]))
        spent = self._meter.spent_out()
        if spent is not None and not any(str(spent) in note for note in notes):
            notes.append(f"{spent}; decided on what is there")
        answered: set[bytes] = set()
        lapses: Counter[str] = Counter()
        for id in decision.used:
            message = self._desk.get(id)
            if message is not None and (not isinstance(message.body, Proposal) or message.body.key is not None):
                answered.add(message.author)
            if message is not None and isinstance(message.body, Judgement) and message.body.lapse:
                lapses[message.body.lapse] += 1
        notes += [f"{n} of the judgements lack verdicts: {lapse}" for lapse, n in sorted(lapses.items())[:3]]
        return msgspec.structs.replace(
            decision,
            notes=tuple(notes),
            silent=tuple(peer for peer in self._table.roster if peer not in answered),
            cost=self._meter.cost,
            seconds=self._clock.now() - self._started_s,
            names=self._table.names,
            channel=self._desk.name,
        )

    async def _write_outcome(self, decision: Decision) -> Decision:
        """Write down what was decided; return the decision, with a note if the log could not be written."""
        used: tuple[MessageId, ...] = decision.used
        cuts = [
            self._publish(Cut(ids=used[start : start + IDS_A_CUT]), [])
            for start in range(0, max(1, len(used)), IDS_A_CUT)
        ]
        outcome = Outcome(
            status=decision.status, key=decision.key, rule=decision.rule, decision=decision.id, notes=decision.notes
        )
        self._publish(outcome, list(cuts))
        try:
            if self._log is not None:
                await self._log.flush()
        except RunFailed as why:
            return msgspec.structs.replace(decision, notes=(*decision.notes, f"not all of this is in the log: {why}"))
        return decision

    def _raise_if_nobody_answered(self, decision: Decision) -> None:
        reasons: dict[str, str] = dict.fromkeys(self._table.names.values(), "")
        for message in self._desk.messages():
            if isinstance(message.body, Proposal):
                if message.body.text:
                    return
                reasons[self._table.names.get(message.author, "")] = message.body.lapse
        raise NobodyAnswered(self._desk.name, reasons, decision.seconds)
