"""Folds contracts over messages as they come, in any order that they may come in.

A message waits for what it builds on. Then each contract's state of its causal past is known without looking at that
past again: it is the state of its one cause; or of the largest, with the messages that the others add; and messages
that build on the same set share the work. So a step costs the same in a long channel as in a short one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from waggledance.core import Exchange, Message, MessageId, PeerId, Unknown
from waggledance.safety._causal_past import CausalPast, Heard, Node, State, beyond, causes_of, heard_of
from waggledance.safety._compliance import Compliance, Faulty
from waggledance.safety._contract import Contract, Counts, JudgesForks, check_names, in_scope
from waggledance.safety._seen import Seen, union
from waggledance.safety._tally import Tally
from waggledance.safety._violation import MAX_WHY_CHARS, Violation

AnyMessage = Message[Any]

JOINS_KEPT = 256
"""Of unions of pasts: messages of one round share one, and come close together."""


class _Broken:
    """The state of a contract that something in the past has broken: it is not judged again."""


_BROKEN = _Broken()


class _Folded(NamedTuple):
    """What contracts make of a past."""

    states: Sequence[State]
    broken: Sequence[tuple[int, Violation]] = ()
    """The contracts that a past breaks by coming together, by number."""


_Joined = tuple[Heard, _Folded]
"""What messages with the same causes begin with."""


class Checker:
    """Checks contracts on one channel, message by message.

    Args:
        contracts: each with a name of its own.

    Raises:
        UsageError: two contracts have one name, or something is no contract.
    """

    def __init__(self, contracts: Iterable[Contract]) -> None:
        self.contracts = tuple(contracts)
        check_names(self.contracts)
        self._start: Sequence[State] = [contract.start() for contract in self.contracts]
        self._forks = [c for c in self.contracts if isinstance(c, JudgesForks)]
        self._tallies = {i: Tally(c) for i, c in enumerate(self.contracts) if isinstance(c, Counts)}
        self._tally_of = {self.contracts[i].name: tally for i, tally in self._tallies.items()}
        self._by_kind: dict[tuple[str, str], tuple[tuple[int, Callable[..., Any]], ...]] = {}
        self._by_id: dict[MessageId, Node] = {}
        self._numbered: list[Node] = []
        self._stateful = frozenset(i for i, state in enumerate(self._start) if state is not None)
        self._joins: dict[frozenset[MessageId], _Joined] = {}
        self._folds: dict[Seen, _Folded] = {}
        self._by_slot: dict[tuple[PeerId, int], Node] = {}
        self._alike: dict[tuple[PeerId, int], list[Node]] = {}
        self._exchanges: dict[tuple[PeerId, int], list[Exchange]] = {}
        self._waiting: set[MessageId] = set()
        self._waiting_for: defaultdict[MessageId, list[tuple[AnyMessage, Iterator[MessageId]]]] = defaultdict(list)
        self._violations: list[tuple[Node, Violation]] = []
        self._faulty: list[tuple[Node, Faulty]] = []
        self._unknown: Counter[str] = Counter()

    # -- hearing ------------------------------------------------------------------------------------------------

    def hear_exchange(self, exchange: Exchange) -> None:
        """Take what a peer asked of a model or a tool: before the message that it went into, or it is not judged."""
        self._exchanges.setdefault((exchange.author, exchange.sequence), []).append(exchange)

    def hear(self, message: AnyMessage) -> tuple[Violation, ...]:
        """Take a message; return the violations that can be seen now and could not before.

        What builds on something that is not here waits for it. A message that is here already is passed over.
        """
        if message.id in self._by_id or message.id in self._waiting:
            return ()
        before, ahead = len(self._violations), [(message, self._missing(message))]
        new: list[Violation] = []
        while ahead:
            at, missing = ahead.pop()
            first = next(missing, None)
            if first is not None:
                self._waiting.add(at.id)
                self._waiting_for[first].append((at, missing))
                continue
            self._waiting.discard(at.id)
            new += self._placed(at)
            ahead += self._waiting_for.pop(at.id, ())
        return (*[violation for _, violation in self._violations[before:]], *new)

    def _missing(self, message: AnyMessage) -> Iterator[MessageId]:
        """Go through the causes of a message that are not here when it is their turn to be looked at."""
        causes = causes_of(message)
        if frozenset(causes) not in self._joins:
            for id in causes:
                if id not in self._by_id:
                    yield id

    # -- reading ------------------------------------------------------------------------------------------------

    def compliance(self) -> Compliance:
        """Return what can be said by now: a function of the set of messages, blind to the order they came in."""
        forks = [found for alike in self._alike.values() for found in self._forks_of(alike)]
        violations = sorted((*self._violations, *forks), key=lambda found: (*found[0].place, found[1].contract))
        faulty = sorted(self._faulty, key=lambda found: (*found[0].place, found[1].contract))
        nodes = self._by_id.values()
        return Compliance(
            channel=next((node.message.channel for node in nodes), ""),
            contracts=tuple(contract.name for contract in self.contracts),
            messages=len(nodes),
            waiting=len(self._waiting),
            sealed=any(self._past(node).sealed for node in nodes),
            violations=tuple(violation for _, violation in violations),
            faulty=tuple(fault for _, fault in faulty),
            forked=tuple(sorted({author for author, _ in self._alike})),
            unknown=dict(sorted(self._unknown.items())),
            unsaid=sum(len(asked) for key, asked in self._exchanges.items() if key not in self._by_slot),
        )

    # -- folding ------------------------------------------------------------------------------------------------

    def _placed(self, message: AnyMessage) -> list[Violation]:
        heard, folded = self._joined(frozenset(causes_of(message)))
        node = self._by_id[message.id] = Node(message, heard)
        node.states = self._stepped(node, folded)
        for i, _ in self._steps(message):
            if i in self._tallies and node.states[i] is not _BROKEN:  # what is broken is not counted on
                self._tallies[i].add(node)
        if isinstance(message.body, Unknown):
            self._unknown[message.kind] += 1
        slot = (message.author, message.sequence)
        first = self._by_slot.setdefault(slot, node)
        if first is node:
            return []
        alike = self._alike.setdefault(slot, [first])
        alike.append(node)
        return [violation for _, violation in self._forks_of(alike)]

    def _joined(self, ids: frozenset[MessageId]) -> _Joined:
        """Return what messages that build directly on these have in common, and what contracts make of their past."""
        joined = self._joins.get(ids)
        if joined is not None:
            return joined
        causes = [self._by_id[id] for id in ids]
        heard = heard_of(causes, self._numbered)
        if len(self._joins) >= JOINS_KEPT:
            self._joins.clear()
        joined = self._joins[ids] = heard, self._folded(heard.seen, causes)
        return joined

    def _folded(self, seen: Seen, causes: Sequence[Node]) -> _Folded:
        """Return what contracts make of a past with these causes."""
        if not causes:
            return _Folded(self._start)
        main = max(causes, key=lambda node: (node.heard.size, node.message.id))
        if main.heard.size + 1 == seen.size:
            return _Folded(main.states)
        folded = self._folds.get(seen)
        if folded is None:
            if len(self._folds) >= JOINS_KEPT:
                self._folds.clear()
            folded = self._folds[seen] = self._judged(seen, self._join(seen, main, causes))
        return folded

    def _judged(self, seen: Seen, folded: _Folded) -> _Folded:
        """Return the same with what a past breaks of which too many are alike."""
        states = folded.states
        broken = {
            i: violation
            for i, tally in self._tallies.items()
            if states[i] is not _BROKEN and (violation := tally.too_many(seen)) is not None
        }
        if not broken:
            return folded
        states = [_BROKEN if i in broken else state for i, state in enumerate(states)]
        return _Folded(states, (*folded.broken, *broken.items()))

    def _join(self, seen: Seen, main: Node, causes: Sequence[Node]) -> _Folded:
        """Return what contracts make of a past that is the main node's with that of other causes added.

        Where all causes have the very states of the main one, so has all that they add: states are shared from the
        message on that made them, and whatever came since has left them as they were.
        """
        if all(cause.states is main.states for cause in causes):
            return _Folded(main.states)
        states, broken = list(main.states), dict[int, Violation]()
        for cause in causes:
            for i, state in enumerate(cause.states):
                if state is _BROKEN:
                    states[i] = _BROKEN
        for node in beyond(seen, union([main.heard.seen], [main.number]), self._numbered):
            past: CausalPast | None = None
            for i, step in self._steps(node.message):
                state = states[i]
                if state is _BROKEN or i not in self._stateful:
                    continue
                if past is None:
                    past = self._past(node)
                try:
                    after = step(state, node.message, past)
                except Exception as why:  # noqa: BLE001 - whatever a contract raises is the contract's fault
                    self._fault(node, i, why)
                    after = _BROKEN
                if isinstance(after, Violation):
                    involved = tuple(dict.fromkeys((node.message.id, *after.involved)))
                    broken[i] = msgspec.structs.replace(after, involved=involved)
                    after = _BROKEN
                states[i] = after
        return _Folded(states, tuple(broken.items()))

    def _stepped(self, node: Node, folded: _Folded) -> Sequence[State]:
        """Return the states with a message, and note what it breaks, or what its past breaks by coming together."""
        message, states = node.message, folded.states
        changed = states
        for i, violation in folded.broken:
            self._note(node, i, violation, violation.by)
        past: CausalPast | None = None
        for i, step in self._steps(message):
            state = changed[i]
            if state is _BROKEN:
                continue
            if past is None:
                past = self._past(node)
            try:
                after = step(state, message, past)
            except Exception as why:  # noqa: BLE001 - whatever a contract raises is the contract's fault
                self._fault(node, i, why)
                after = _BROKEN
            if after is state:
                continue
            if isinstance(after, Violation):
                self._note(node, i, after, after.by or message.author)
                after = _BROKEN
            elif i not in self._stateful and after is not _BROKEN:
                self._fault(node, i, TypeError("its start() is None, which says that it has no state, and a step has"))
                after = _BROKEN
            changed = self._changed(changed, states, i, after)
        return changed

    @staticmethod
    def _changed(now: Sequence[State], before: Sequence[State], i: int, state: State) -> list[State]:
        """Return the states with one put in; states are shared between messages until one differs."""
        mine = list(now) if now is before or not isinstance(now, list) else now
        mine[i] = state
        return mine

    def _steps(self, message: AnyMessage) -> tuple[tuple[int, Callable[..., Any]], ...]:
        """Return the contracts that look at such messages."""
        key = (message.kind, message.channel)
        steps = self._by_kind.get(key)
        if steps is None:
            steps = self._by_kind[key] = tuple(
                (i, contract.step) for i, contract in enumerate(self.contracts) if in_scope(contract.scope, *key)
            )
        return steps

    def _past(self, node: Node) -> CausalPast:
        return CausalPast(node, self._by_id, self._numbered, self._exchanges, self._tally_of)

    def _note(self, node: Node, i: int, violation: Violation, by: PeerId) -> None:
        self._violations.append((node, self._complete(violation, node.message, self.contracts[i], by)))

    def _fault(self, node: Node, i: int, why: Exception) -> None:
        fault = Faulty(self.contracts[i].name, node.message.id, f"{type(why).__name__}: {why}")
        if all(fault != known for _, known in self._faulty):
            self._faulty.append((node, fault))

    @staticmethod
    def _complete(violation: Violation, at: AnyMessage, contract: Contract, by: PeerId) -> Violation:
        why = violation.why if len(violation.why) <= MAX_WHY_CHARS else violation.why[: MAX_WHY_CHARS - 1] + "…"
        return msgspec.structs.replace(
            violation, why=why, contract=contract.name, at=at.id, channel=at.channel, by=by, round=at.body.round
        )

    def _forks_of(self, alike: Sequence[Node]) -> list[tuple[Node, Violation]]:
        """Return what messages by one author with one number break; the one that sorts first is taken as the one."""
        first, *others = sorted(alike, key=lambda node: node.place)
        return [
            (node, self._complete(contract.fork(first.message, node.message), node.message, contract,
                                  node.message.author))
            for contract in self._forks
            for node in others
        ]  # fmt: skip
