"""A swarm: the peers a user holds, and what can be asked of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from copy import copy
from dataclasses import is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast, overload

from waggledance._run import Journal, NobodyAnswered, Run
from waggledance._seating import Seating
from waggledance._swarm_input import check_asked, check_names, check_no_loop, check_parts
from waggledance.consensus import Once
from waggledance.core import (
    UNIT,
    AnswerKind,
    Body,
    Budget,
    Decision,
    Exchange,
    LoopClock,
    Message,
    Opening,
    Peer,
    Question,
    RunFailed,
    UsageError,
    Words,
    opening_of,
    run_awake,
    swarm_id,
)
from waggledance.network import Local, Network
from waggledance.protocols import (
    AskProtocol,
    Default,
    Folding,
    TwoFirst,
    as_opened,
    check_fit,
    check_question,
    check_spelled,
    protocol_for,
)

if TYPE_CHECKING:
    from waggledance.memory import SkillBook
    from waggledance.mesh import Dialling
    from waggledance.tasks import Check, Claiming, Executor, Op, Planner, PlanResult, Recipe, Router, Sandbox, Task


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
        protocol: what is said when; by default a vote that ends when it is settled, or what else suits the question
            and the peers, see `waggledance.protocols.Default`.
        log: where every message is kept; nowhere when None.
        weights: voting weight by peer name, 1.0 for those left out; finite and ≥ 0.
        name: the swarm's name, inside every message.
        seed: same seed, same draws.
        skills: what the swarm has practised; a question of a kind that went well often enough is asked of two first,
            see `waggledance.memory.SkillBook`. Every question is asked of all when None.

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
        protocol: AskProtocol | Default | None = None,
        log: Journal | None = None,
        weights: Mapping[str, float] | None = None,
        name: str = "swarm",
        seed: int = 0,
        skills: SkillBook | None = None,
    ) -> None:
        check_parts(peers, network, log, weights, seed)
        self.peers = tuple(peers)
        self._names = tuple(peer.name for peer in peers)
        check_names(self._names, weights or {})
        shares = [round((weights or {}).get(name, 1.0) * UNIT) for name in self._names]
        self.network: Network = network or Local()
        self.protocol: AskProtocol | Default = protocol or Default()
        self.log = log
        self.seed = seed
        self.skills = skills
        self.partial: Decision | None = None
        """The decision over what had been said, when the last `ask` was cancelled; else None."""
        self._seating = Seating(self.network, log, swarm_id(name), self._names, shares)
        self._checked: AskProtocol | None = None
        """The last protocol that was checked."""
        self._by_kind: dict[str, AskProtocol] = {}
        """The protocol for each kind of question that was asked."""

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        where: str,
        *,
        key: str = "asker",
        certify: bool = False,
        protocol: AskProtocol | Default | None = None,
        dialling: Dialling | None = None,
        home: Path | None = None,
        seed: int = 0,
    ) -> AsyncGenerator[Self]:
        """Meet a swarm on the network: its members are the peers, as long as the context is open.

        Args:
            where: the name of a swarm that is known on this machine, an invite, or an endpoint such as
                ``"tcp/host:7447"``.
            key: the name of the key to speak with; made if it is missing.
            certify: let the members certify what they decide; see `Decision.certificate`.
            protocol: what is said when; what suits each question by default, as for any swarm.
            dialling: how members are reached, beyond what is known.
            home: where keys and swarms are kept; the user's data folder by default.
            seed: same seed, same draws.

        Raises:
            UsageError: no swarm or more than one could be meant, or the invite cannot be used.
            NotLetIn: nobody of the swarm answers, or this key is no member.
        """
        from waggledance.mesh import Dialling, Home, Mesh, present, way_to
        from waggledance.tasks import register_protocols

        register_protocols()
        kept = Home(home)
        way = way_to(kept, where, now_ms=LoopClock().wall_ms())
        async with present(kept, way, key, dialling or Dialling()) as node:
            mesh = Mesh(node, certify=certify)
            members = mesh.answering()
            weights = {member.name: member.weight / UNIT for member in members}
            yield cls(mesh.peers(members), network=mesh, protocol=protocol, weights=weights, seed=seed)

    def among(self, peers: Sequence[Peer]) -> Self:
        """Return the same swarm, with its network, its log and its numbering, with others in its peers' places.

        Args:
            peers: one for each peer, of the same name, in the same order; see `Agent.tuned`.

        Raises:
            UsageError: their names are not those of the swarm's peers.
        """
        if tuple(peer.name for peer in peers) != self._names:
            raise UsageError(f"in the places of {', '.join(self._names)} others of the same names can sit, in order")
        other = copy(self)
        other.peers = tuple(peers)
        other._checked, other._by_kind = None, {}  # noqa: SLF001  # of our own kind
        return other

    def practising(self, skills: SkillBook | None) -> Self:
        """Return the same swarm with other skills, such as those of another caller; with none when None."""
        other = copy(self)
        other.skills = skills
        return other

    def protocol_for(self, question: Question) -> AskProtocol:
        """Return the protocol by which a question is decided where it names none.

        Raises:
            UsageError: what was asked for beside the default makes no sense together.
        """
        if question.expects not in self._by_kind:
            self._by_kind[question.expects] = protocol_for(self.protocol, question, self.peers)
        return self._by_kind[question.expects]

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
        run = self._open(question, protocol, budget, seed, expects=expects, options=options)
        try:
            return await run.decide()
        finally:
            self.partial = run.partial

    def ask_sync(
        self,
        question: str | Question,
        *,
        expects: AnswerKind = "short",
        options: Sequence[str] = (),
        protocol: AskProtocol | None = None,
        budget: Budget | None = None,
        seed: int | None = None,
        see: Callable[[Words | Exchange], None] | None = None,
    ) -> Decision:
        """Do the same as `ask` from code that is not async, on the network's own event loop.

        `see` is told what peers are saying while they say it, and what those of this process asked of models and tools.

        Raises:
            Interrupted: Ctrl-C; carries the decision over what had been said by then.
            UsageError: also where an event loop runs already, as in a notebook: ``await swarm.ask(…)`` there.
        """
        check_no_loop("await swarm.ask(…)")
        run: Run | None = None

        async def main() -> Decision:
            nonlocal run
            run = self._open(question, protocol, budget, seed, expects=expects, options=options, see=see)
            return await run.decide()

        make_loop = getattr(self.network, "new_event_loop", None)
        try:
            return run_awake(main(), make_loop)
        except KeyboardInterrupt:
            raise Interrupted(run.partial if run else None) from None

    async def run(
        self,
        work: str | Task | Sequence[Op] | Recipe = (),
        request: str = "",
        *,
        resume: str | None = None,
        planner: Planner | str = "",
        router: Router | None = None,
        execute: Executor | None = None,
        check: Check | None = None,
        sandbox: Sandbox | None = None,
        claiming: Claiming | None = None,
        good_at: Mapping[str, Mapping[str, int]] | None = None,
        arrange: str = "data-flow",
        budget: Budget | None = None,
        seed: int | None = None,
        patience_s: float = 300.0,
        watch: Callable[[Message[Any]], None] | None = None,
    ) -> PlanResult:
        """Let the swarm do a piece of work as a plan: no peer is the manager, each claims what it ranks first for.

        Args:
            work: a goal in words, a task, or the operations that a plan begins with, `Add` and `Link`; or, with a
                request, a recipe or the name of one that comes with the library.
            request: what a recipe's team is asked for.
            resume: the channel of a plan in this swarm's log to go on with, instead of beginning one; what is done
                stays done, and the budget begins anew. A team with a recipe of one's own is given that as well.
            planner: breaks tasks up and puts results together, such as ``"roma"``; every task is done as it is when
                empty.
            router: who suits which task; by what peers say of themselves when None.
            execute: does a task; its peer is asked when None.
            check: looks at results by the checks that tasks name; a recipe says its own.
            sandbox: where a recipe's functions and checks run programs; those that need one fail without.
            claiming: how eagerly peers take work.
            good_at: what peers say they are good at, by peer name: kinds of tasks or skills, in parts per million.
            arrange: who waits for whom and reads whose results: as they are linked, by a rule from the plan's shape,
                or as told; see `waggledance.tasks.run_plan`.
            budget: what it may cost at most; when that is spent, what is done stays done and the rest is named. Of a
                recipe its own limits where nothing else is said.
            seed: instead of the swarm's own.
            patience_s: give up when nothing has happened for so long, > 0 s.
            watch: called with every message as it is published.

        Returns:
            The plan with every result; `complete` says whether all was done. Of a recipe, `text` is what its team has
            come to.

        Raises:
            UsageError: there is nothing to do, or the work cannot be made into a plan; nothing was spent.
            UnknownName: no recipe that comes with the library has that name.
        """
        from waggledance._work import begin

        said = () if resume is None else self._seating.said_before(resume)
        begun = begin(
            work,
            request,
            said,
            planner=planner,
            router=router,
            execute=execute,
            check=check,
            sandbox=sandbox,
            claiming=claiming,
            good_at=good_at,
            arrange=arrange,
            patience_s=patience_s,
            budget=budget,
        )
        question = Question(text=begun.title, expects="free")
        run = self._open(question, begun.protocol, begun.budget, seed, first=begun.first, said=said)
        if watch is not None:
            run.gathering.subscribe(lambda message, _raw: watch(message))
        notes: tuple[str, ...] = ()
        with suppress(NobodyAnswered):  # no task has a result: the plan says so, and why
            notes = (await run.decide()).notes
        return begun.result(run, notes)

    @overload
    def watch(
        self,
        question: str | Question,
        *,
        expects: AnswerKind = "short",
        options: Sequence[str] = (),
        protocol: AskProtocol | None = None,
        budget: Budget | None = None,
        seed: int | None = None,
        closely: Literal[False] = False,
    ) -> AsyncIterator[Message[Any] | Decision]: ...

    @overload
    def watch(
        self,
        question: str | Question,
        *,
        expects: AnswerKind = "short",
        options: Sequence[str] = (),
        protocol: AskProtocol | None = None,
        budget: Budget | None = None,
        seed: int | None = None,
        closely: bool,
    ) -> AsyncIterator[Message[Any] | Words | Exchange | Decision]: ...

    async def watch(
        self,
        question: str | Question,
        *,
        expects: AnswerKind = "short",
        options: Sequence[str] = (),
        protocol: AskProtocol | None = None,
        budget: Budget | None = None,
        seed: int | None = None,
        closely: bool = False,
    ) -> AsyncIterator[Message[Any] | Words | Exchange | Decision]:
        """Ask, and yield every message as it is published and the decision at the end. Takes what `ask` takes.

        Leaving the loop early stops the run.

        Args:
            question: its text, or a whole `Question`.
            expects: how answers are compared.
            options: the options of a question of choice.
            protocol: instead of the swarm's own.
            budget: what it may cost at most.
            seed: instead of the swarm's own.
            closely: yield what peers are saying while they say it, too, as far as their models let it be heard, and
                what those of this process asked of models and tools.
        """
        events: asyncio.Queue[Message[Any] | Words | Exchange | None] = asyncio.Queue()
        see = events.put_nowait if closely else None
        run = self._open(question, protocol, budget, seed, expects=expects, options=options, see=see)
        async with aclosing(_watched(run, events)) as watched:
            async for event in watched:
                yield event

    async def take_up(self, said: Sequence[Message[Any]]) -> AsyncIterator[Message[Any] | Decision]:
        """Go on with a question that an earlier process asked over the network, and yield as `watch` does.

        The members went on meanwhile: what they said is there or comes, and so does their certificate. The peers are
        those who sit at the question, in the order of its opening.

        Args:
            said: what is known of the question, causes before effects; see `Mesh.said`.

        Raises:
            UsageError: nothing was asked there, or by somebody else; this program does not know how it is decided.
        """
        opening = opening_of(said)
        if opening is None:
            raise UsageError("there is no opening among what was said: nothing was asked there")
        body: Opening = opening.body
        self._seating.keep(said)
        run = self._open(body.question, as_opened(body), body.budget, body.seed, said=said)
        events: asyncio.Queue[Message[Any] | Words | Exchange | None] = asyncio.Queue()
        for message in said:
            events.put_nowait(message)
        async with aclosing(_watched(run, events)) as watched:
            async for event in watched:
                if isinstance(event, Message | Decision):
                    yield event

    def _open(
        self,
        question: str | Question,
        protocol: AskProtocol | None,
        budget: Budget | None,
        seed: int | None,
        *,
        expects: AnswerKind = "short",
        options: Sequence[str] = (),
        first: Sequence[Body] = (),
        said: Sequence[Message[Any]] = (),
        see: Callable[[Words | Exchange], None] | None = None,
    ) -> Run:
        check_asked(question, options, budget, seed)
        if isinstance(question, str):
            question = Question(text=question, expects=expects, options=tuple(options))
        protocol = protocol or self.protocol_for(question)
        skill = None
        if self.skills is not None and not (said or first or isinstance(protocol, TwoFirst | Folding)):
            skill = self.skills.match(question)
        if skill is not None:
            protocol, first = TwoFirst(protocol, shown=True), (skill.note(),)
        if self._checked is not protocol:
            check_fit(protocol, self.peers)
            if self.network.remote:
                check_spelled(protocol)
            self._checked = protocol
        check_question(protocol, question)
        gathering, table = self._seating.gather(question, self.seed if seed is None else seed, said, see)
        rule_shared = _sharing_one_rule(protocol)
        witness = self._seating.witness(see)
        learn = None if self.skills is None else partial(self.skills.learn, question, used=skill)
        return Run(self.peers, gathering, table, rule_shared, budget or Budget(), self.log, first, said, witness, learn)


async def _watched(
    run: Run, events: asyncio.Queue[Message[Any] | Words | Exchange | None]
) -> AsyncGenerator[Message[Any] | Words | Exchange | Decision]:
    """Let a run decide; yield what is in the queue, what is published, and the decision. Left early, the run ends."""
    run.gathering.subscribe(lambda message, _raw: events.put_nowait(message))
    task = asyncio.get_running_loop().create_task(run.decide())
    task.add_done_callback(lambda _: events.put_nowait(None))
    try:
        while (event := await events.get()) is not None:
            yield event
        yield await task
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def _sharing_one_rule(protocol: AskProtocol) -> AskProtocol:
    """Return the protocol with a rule that all seats of one run share, if it has a rule."""
    if not (is_dataclass(protocol) and "decide" in protocol.__dataclass_fields__):
        return protocol
    return cast("AskProtocol", replace(cast("Any", protocol), decide=Once(getattr(protocol, "decide"))))  # noqa: B009
