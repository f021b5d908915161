"""Strategy tree: every strategy of a society, with the rounds that strategies begin alike held once.

Strategies of three letters are the leaves of a tree of 2 + 4 + 8 = 14 rounds, which run one by one would be 24. A peer
is asked once for what it says after a beginning, and every strategy that begins so has that answer, so that strategies
differ by their letters and not by luck. Source: Zhang et al. 2023, arXiv:2310.02124, whose code walks the same tree.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import msgspec

from waggledance._swarm import Swarm
from waggledance.core import Call, Cost, Decision, Message, Peer, Proposal, Question, UsageError
from waggledance.lab._score import RunLog
from waggledance.lab._social import trace_of
from waggledance.peers import WrapperPeer
from waggledance.protocols import Society

LONGEST = 8
"""Letters: 510 rounds a question."""


@dataclass(frozen=True)
class StrategyTree:
    """What a society made of one question by every strategy."""

    decisions: Mapping[str, Decision]
    """By strategy. Each one's cost is what that strategy would cost alone."""
    traces: Mapping[str, tuple[tuple[str | None, ...], ...]]
    """By strategy: answers by round and peer, see `trace_of`."""
    rounds: int
    """How many rounds were held after the first answers: 2 + 4 + … + 2ⁿ."""
    calls: int
    """How often a peer was asked."""


async def strategy_tree(
    peers: Sequence[Peer], question: str | Question, *, letters: int = 3, society: Society | None = None, seed: int = 0
) -> StrategyTree:
    """Ask one question by all strategies of a number of letters.

    Args:
        peers: who answers; with the skills propose and revise.
        question: what to ask.
        letters: the length of the strategies, 1 to 8.
        society: topology, rule and patience; its own strategy is not read.
        seed: of the runs.

    Raises:
        UsageError: there are too few or too many letters.
    """
    if not 1 <= letters <= LONGEST:
        raise UsageError(f"a strategy tree has strategies of 1 to {LONGEST} letters, got letters={letters}")
    if isinstance(question, str):
        question = Question(text=question)
    said: _Said = {}
    decisions: dict[str, Decision] = {}
    traces: dict[str, tuple[tuple[str | None, ...], ...]] = {}
    for strategy in map("".join, product("01", repeat=letters)):
        remembering = [_Remembering(peer, strategy, said) for peer in peers]
        swarm = Swarm(remembering, protocol=replace(society or Society(), strategy=strategy), seed=seed)
        log = await RunLog.of(swarm, question)
        decisions[strategy], traces[strategy] = log.decision, trace_of(log.messages)
    rounds = {beginning for _, beginning in said if beginning}
    return StrategyTree(decisions, traces, rounds=len(rounds), calls=len(said))


_Said = dict[tuple[str, str], tuple[Proposal, Cost]]
"""What each peer said after each beginning of a strategy, and what that cost beside the call itself."""


class _Remembering(WrapperPeer):
    """A peer that is asked once after each beginning of a strategy, and then says and costs the same again."""

    def __init__(self, peer: Peer, strategy: str, said: _Said) -> None:
        super().__init__(peer)
        self._strategy, self._said = strategy, said

    async def propose(self, call: Call) -> Proposal:
        return await self._once(call, lambda: self.peer.propose(call))

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        return await self._once(call, lambda: self.peer.revise(call, mine, heard))

    async def _once(self, call: Call, ask: Callable[[], Awaitable[Proposal]]) -> Proposal:
        place = self.name, self._strategy[: call.round]
        if place in self._said:
            said, cost = self._said[place]
            call.charge(cost)
            return said
        said = await ask()
        self._said[place] = said, msgspec.structs.replace(call.cost, calls=call.cost.calls - 1)
        return said
