"""What a message builds on, against a dumb closure of the same graph."""

from __future__ import annotations

from random import Random
from typing import Any

from waggledance.core import Key, Message, MessageId, Note, past_of, swarm_id
from waggledance.core._message import compose


def drawn(rng: Random, count: int) -> dict[MessageId, Message[Any]]:
    """Return messages that each build on some earlier ones."""
    messages: list[Message[Any]] = []
    for number in range(count):
        author = Key(bytes([1 + rng.randrange(4)]) * 32).peer
        own = [m for m in messages if m.author == author]
        previous = own[-1] if own else None
        others = [m for m in rng.sample(messages, min(len(messages), rng.randrange(3))) if m is not previous]
        lamport = 1 + max((m.lamport for m in (*own[-1:], *others)), default=0)
        parents = tuple(sorted(m.id for m in others))
        said = Note(about="x", text=str(number))
        message, _ = compose(
            author, said, len(own) + 1, previous and previous.id, parents, lamport, 0, swarm_id("x"), "c"
        )
        messages.append(message)
    return {message.id: message for message in messages}


def closure(id: MessageId, messages: dict[MessageId, Message[Any]]) -> set[MessageId]:
    found = {id}
    while True:
        more = {c for at in found for c in (*messages[at].parents, messages[at].previous) if c is not None} - found
        if not more:
            return found
        found |= more


def test_the_past_is_the_closure_and_clocks_only_cut_off_its_beginning() -> None:
    for seed in range(40):
        rng = Random(seed)
        messages = drawn(rng, 20)
        id = rng.choice(list(messages))
        since = rng.randrange(6)
        assert past_of(id, messages) == closure(id, messages)
        assert past_of(id, messages, since=since) == {m for m in closure(id, messages) if messages[m].lamport >= since}


def test_what_is_not_given_is_in_nobodys_past() -> None:
    messages = drawn(Random(1), 12)
    last = max(messages.values(), key=lambda message: message.lamport)
    gone = next(iter(last.parents), None) or last.previous
    assert gone is not None
    del messages[gone]
    assert gone not in past_of(last.id, messages)
    assert past_of(gone, messages) == frozenset()
