"""What a step sees of a message's past is what a walk through the messages finds, with forks, gaps and forgeries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import (
    Body,
    Budget,
    Channel,
    Cost,
    Cut,
    Judgement,
    Member,
    Message,
    MessageId,
    Note,
    Opening,
    Outcome,
    PeerId,
    Proposal,
    Question,
    compose,
    local_peer_id,
    swarm_id,
)
from waggledance.safety import (
    CausalPast,
    Checker,
    Contract,
    Retract,
    Violation,
    at_most,
    builtin,
    contract,
    each,
)
from waggledance.safety._causal_past import Node, causes_of, heard_of
from waggledance.safety._contract import Counts, in_scope

AnyMessage = Message[Any]
SWARM, ASKER = swarm_id("t"), local_peer_id("asker")
PEERS = [local_peer_id(f"p{i}") for i in range(5)]


class Writer:
    """Whoever may write anything: second branches, two openings, numbers and logical times that do not follow."""

    def __init__(self, seed: int) -> None:
        self.rng, self.said, self.last = Random(seed), list[AnyMessage](), dict[PeerId, AnyMessage]()

    def odd(self, share: float) -> bool:
        return self.rng.random() < share

    def write(self, author: PeerId, body: Body, heard: Sequence[AnyMessage]) -> None:
        before = self.last.get(author)
        if before is not None and self.odd(0.08):
            before = self.rng.choice([None, *[m for m in self.said if m.author == author]])
        known = [*heard] if before is None else [*heard, before]
        lamport = 1 + max((m.lamport for m in known), default=0) + self.odd(0.03)
        sequence = (1 if before is None else before.sequence + 1) + self.odd(0.03)
        parents = tuple(sorted({m.id for m in heard} - ({before.id} if before else set())))
        previous = None if before is None else before.id
        message, _ = compose(author, body, sequence, previous, parents, lamport, 0, SWARM, "c")
        self.said.append(message)
        self.last[author] = message

    def body(self, at: int, author: PeerId, heard: Sequence[AnyMessage]) -> Body:
        refs = tuple(m.id for m in heard)
        if self.said and self.odd(0.1):
            refs = (*refs, self.rng.choice(self.said).id)
        mine = [m.id for m in self.said if m.author == author] or refs
        kind = self.rng.choice(["proposal"] * 6 + ["cut", "note", "retract", "judgement", "outcome"])
        if kind == "cut":
            named = self.rng.sample(self.said, min(len(self.said), 3))
            return Cut(ids=tuple(sorted(m.id for m in named)))
        if kind == "retract" and mine:
            return Retract(of=(self.rng.choice(mine),))
        if kind == "judgement":
            return Judgement(verdicts=())
        if kind == "outcome":
            return Outcome(status="decided", key="4", rule="majority", decision=bytes(32))
        if kind == "note":
            return Note(about="note", text=str(at), refs=refs)
        return Proposal(round=self.rng.randrange(4), key=str(at), refs=refs, cost=Cost(calls=1, prompt_tokens=5))


def history(seed: int, length: int) -> list[AnyMessage]:
    """Return a random history, dense or sparse, of which now and then a message is lost."""
    writer = Writer(seed)
    members = tuple(Member(id, f"p{i}") for i, id in enumerate(PEERS))
    for author in (ASKER, PEERS[0])[: 1 + writer.odd(0.2)]:
        text = "2 + 2?" if author == ASKER else "another"
        writer.write(author, Opening(question=Question(text=text), members=members, protocol="debate(rounds=2)"), [])
    dense = writer.odd(0.5)
    for at in range(length):
        author = ASKER if writer.odd(0.1) else writer.rng.choice(PEERS)
        few = min(len(writer.said), writer.rng.randrange(6))
        heard = writer.said[-few - 1 :] if dense else writer.rng.sample(writer.said, few)
        writer.write(author, writer.body(at, author, heard), heard)
    return [m for m in writer.said if not writer.odd(0.02)]


class PlainPast:
    """The definition: a set of messages, found by walking."""

    exchanges = ()

    def __init__(self, message: AnyMessage, before: dict[MessageId, PlainPast]) -> None:
        self.message, self.direct = message, [before[id] for id in causes_of(message)]
        self.causes = tuple(past.message for past in self.direct)
        self.all: dict[MessageId, PlainPast] = {}
        for past in self.direct:
            self.all |= {past.message.id: past, **past.all}
        self.depth: int = 1 + max((past.depth for past in self.direct), default=0)
        self.previous = None if message.previous is None else before[message.previous].message
        parents = [before[id].message for id in message.parents]
        known = parents if self.previous is None else [*parents, self.previous]
        self.latest = max((m.lamport for m in known), default=0)
        self.opening = self._opening()
        self.members = {} if self.opening is None else {m.id: m for m in self.opening.body.members}
        asked = self.opening is not None and self.opening.author == message.author
        self.sealed = asked and isinstance(message.body, Outcome)

    def _opening(self) -> AnyMessage | None:
        found = {past.opening for past in self.direct if past.opening is not None}
        if not found:
            return self.message if isinstance(self.message.body, Opening) else None
        built = {m: {other.author for other in self if m.id in other.parents} for m in found}
        return min(found, key=lambda m: (-len(built[m]), m.id))

    def __contains__(self, id: object) -> bool:
        return id in self.all

    def __len__(self) -> int:
        return len(self.all)

    def __iter__(self) -> Iterator[AnyMessage]:
        return (past.message for past in sorted(self.all.values(), key=lambda past: (past.depth, past.message.id)))

    def get(self, id: MessageId) -> AnyMessage | None:
        return self.all[id].message if id in self.all else None

    def lacks(self, ids: Sequence[MessageId]) -> MessageId | None:
        return next((id for id in ids if id not in self.all), None)

    def alike(self, rule: Any, key: object) -> list[AnyMessage]:
        return [m for m in self if in_scope(rule.scope, m.kind, m.channel) and rule.alike(m) == key]


def placed(said: Sequence[AnyMessage]) -> dict[MessageId, PlainPast]:
    """Return the pasts of the messages of which all of the past is there; causes stand before effects in a history."""
    found: dict[MessageId, PlainPast] = {}
    for message in said:
        if all(id in found for id in causes_of(message)):
            found[message.id] = PlainPast(message, found)
    return found


BROKEN = Violation(why="")


class Folded:
    """The definition of a verdict: every past is folded by itself; of a broken one nothing more is said."""

    def __init__(self, pasts: dict[MessageId, PlainPast], rule: Any) -> None:
        self.rule, self.after = rule, dict[MessageId, Any]()
        self.broken: dict[MessageId, str] = {}
        for id, past in pasts.items():
            state = self._before(past)
            if not isinstance(state, Violation):
                state = self._step(state, past)
            if isinstance(state, Violation) and state is not BROKEN:
                self.broken[id] = state.why
            self.after[id] = BROKEN if isinstance(state, Violation) else state

    def _before(self, past: PlainPast) -> Any:
        """Return the state of a past: the violation when it is broken, or breaks by coming together."""
        if not past.direct:
            return self.rule.start()
        main = max(past.direct, key=lambda cause: (len(cause), cause.message.id))
        others = [past.all[m.id] for m in past if m.id not in main.all and m.id != main.message.id]
        if any(self.after[one.message.id] is BROKEN for one in (main, *others)):
            return BROKEN
        if isinstance(self.rule, Counts):
            return self._too_many(past)
        state = self.after[main.message.id]
        for one in others:
            state = state if self.rule.start() is None else self._step(state, one)
            if isinstance(state, Violation):
                return state
        return state

    def _too_many(self, past: PlainPast) -> Violation | None:
        """Return what a past breaks that no part of it breaks."""
        crowds = [past.alike(self.rule, self.rule.alike(m)) for m in past if in_scope(self.rule.scope, m.kind, "c")]
        over = [said for said in crowds if len(said) > self.rule.most]
        if not over:
            return None
        most: int = self.rule.most
        said = min(over, key=lambda said: said[most].id)
        found: Violation = self.rule.too_many(said[most], most + 1, said[0])
        return found

    def _step(self, state: Any, past: PlainPast) -> Any:
        message = past.message
        looks = in_scope(self.rule.scope, message.kind, message.channel)
        return self.rule.step(state, message, past) if looks else state


def view(past: CausalPast | PlainPast, said: Sequence[AnyMessage]) -> tuple[object, ...]:
    """Return all that a step can find out about a past."""
    ids = [m.id for m in said]
    return (
        len(past), [m.id for m in past], [id in past for id in ids], [past.get(id) for id in ids], past.depth,
        past.opening, past.previous, past.latest, past.causes, past.sealed, dict(past.members),
        past.lacks(ids), past.lacks(ids[:3]), past.lacks([m.id for m in past.causes]),
    )  # fmt: skip


@settings(max_examples=80)
@given(seed=st.integers(0, 2**32), length=st.integers(0, 30), order=st.integers(0, 3))
def test_a_step_sees_what_a_walk_finds_in_whatever_order_mail_came(seed: int, length: int, order: int) -> None:
    said = history(seed, length)
    plain = placed(said)
    held = [message for message in said if message.id in plain]
    seen: dict[MessageId, tuple[object, ...]] = {}

    def look(message: AnyMessage, past: CausalPast) -> None:
        seen[message.id] = view(past, held)

    heard(said, [contract("look", each("*", look))], order)
    assert seen == {id: view(past, held) for id, past in plain.items()}


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), length=st.integers(0, 40), order=st.integers(0, 3))
def test_each_contract_says_what_a_plain_fold_says_in_whatever_order_mail_came(
    seed: int, length: int, order: int
) -> None:
    said = history(seed, length)
    rules = [*builtin(budget=Budget(calls=12, messages=20)), contract("few", at_most(3, "proposal/1", per=("round",)))]
    checker = heard(said, rules, order)
    found = {(v.contract, v.at, v.why) for v in checker.compliance().violations if "another number" not in v.why}
    plain = placed(said)
    assert found == {(rule.name, id, why) for rule in rules for id, why in Folded(plain, rule).broken.items()}


def heard(said: Sequence[AnyMessage], rules: Sequence[Contract], order: int) -> Checker:
    """Return who has heard messages in one of several orders; 0 is the one that they were said in."""
    delivered, checker = list(said), Checker(rules)
    if order:
        Random(order).shuffle(delivered)
    for message in delivered:
        checker.hear(message)
    assert not checker.compliance().faulty
    return checker


def test_a_past_takes_room_for_what_was_not_heard_and_not_for_what_was_said() -> None:
    channel, numbered, nodes = Channel(SWARM, "c"), list[Node](), dict[MessageId, Node]()
    last: list[AnyMessage] = []
    for round in range(200):
        if round == 5:
            alone = channel.publish(ASKER, Note(about="note", text="nobody builds on this"), last, 0)
            nodes[alone.id] = Node(alone, heard_of([nodes[id] for id in causes_of(alone)], numbered))
        last = [channel.publish(id, Proposal(round=round, key="4"), last, 0) for id in PEERS]
        for message in last:
            nodes[message.id] = Node(message, heard_of([nodes[id] for id in causes_of(message)], numbered))
    pasts = [node.heard.seen for node in nodes.values()]
    assert max(seen.mark for seen in pasts) == 199 * len(PEERS)
    assert max(seen.bits.bit_length() for seen in pasts) <= len(PEERS)
