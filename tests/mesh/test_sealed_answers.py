"""Votes that cannot be copied, on real nodes: who waits to read the others' answers gains nothing by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from waggledance.consensus import Certificate, verify_certificate
from waggledance.core import Budget, Decision, Message, Meter, Opening, Proposal, Seat
from waggledance.mesh import Node
from waggledance.mesh._held import Held
from waggledance.mesh._sealed_set import Recorded, table_of
from waggledance.protocols import AskProtocol, Commitment, Debate, Reveal, Sealed, Vote, commitment_of
from waggledance.testing import SimulatedMesh, on_virtual_time

LIAR = "p3"
NONCE = bytes(16)
Hears = Callable[[Held, Message[Any], list[Message[Any]]], None]


class Attacker:
    """A member that reads along and says what it likes."""

    def __init__(self, node: Node, attack: Callable[[Attacker], Hears]) -> None:
        self.node, self._hears = node, attack(self)
        node.on_opening = self._on_opening

    def _on_opening(self, held: Held, opening: Message[Opening]) -> None:
        held.copy.subscribe(lambda message, _: self._hears(held, message, list(held.copy.messages())))

    def says(self, held: Held, body: Any) -> None:
        if held.copy.head(self.node.me) is None or not any(
            m.author == self.node.me and type(m.body) is type(body) for m in held.copy.messages()
        ):
            held.copy.publish(self.node.me, body, [], self.node.clock.wall_ms())


def ask(attack: Callable[[Attacker], Hears] | None, protocol: AskProtocol) -> tuple[Decision, dict[str, bytes]]:
    async def main() -> tuple[Decision, dict[str, bytes]]:
        async with SimulatedMesh(4, seed=2) as mesh:
            if attack is not None:
                await mesh.sittings.pop(LIAR).close()
                Attacker(mesh.nodes[LIAR], attack)
            decision = await mesh.ask("2+2?", protocol=protocol, certify=True)
            await mesh.settle(decision.channel)
            return decision, dict(mesh.digests(decision.channel))

    return on_virtual_time(main())


def copies(attacker: Attacker) -> Hears:
    """Answer what the first one answers whose answer can be read, with whatever a sealed question asks for."""

    def hears(held: Held, message: Message[Any], so_far: list[Message[Any]]) -> None:
        if isinstance(message.body, Proposal) and message.author != attacker.node.me:
            copied = Proposal(key=message.body.key, text="so do I")
            attacker.says(held, commitment_of(held.name, attacker.node.me, NONCE, copied))
            attacker.says(held, Reveal(nonce=NONCE, seen=tuple(m.id for m in so_far if isinstance(m.body, Commitment))))
            attacker.says(held, copied)

    return hears


def changes(attacker: Attacker) -> Hears:
    """Commit in time, and answer what another one answers."""

    def hears(held: Held, message: Message[Any], so_far: list[Message[Any]]) -> None:
        attacker.says(held, commitment_of(held.name, attacker.node.me, NONCE, Proposal(key="17")))
        if isinstance(message.body, Proposal) and message.author != attacker.node.me:
            attacker.says(held, Reveal(nonce=NONCE))
            attacker.says(held, Proposal(key=message.body.key))

    return hears


def copies_the_seal(attacker: Attacker) -> Hears:
    """Commit to the very bytes that another one commits to, and open them as that one does."""

    def hears(held: Held, message: Message[Any], so_far: list[Message[Any]]) -> None:
        if message.author == attacker.node.me or not isinstance(message.body, Commitment | Reveal | Proposal):
            return
        victim = min(m.author for m in so_far if isinstance(m.body, Commitment) and m.author != attacker.node.me)
        if message.author == victim:
            attacker.says(held, message.body)

    return hears


def hides(attacker: Attacker) -> Hears:
    """Commit, and never show what to."""

    def hears(held: Held, message: Message[Any], so_far: list[Message[Any]]) -> None:
        attacker.says(held, commitment_of(held.name, attacker.node.me, NONCE, Proposal(key="17")))

    return hears


def counted(decision: Decision) -> set[str]:
    """Return the names of those whose answers the decision rests on."""
    return {decision.name(peer) for peer in decision.names} - {decision.name(peer) for peer in decision.silent}


def test_without_a_seal_a_copied_vote_counts() -> None:
    decision, _ = ask(copies, Vote(patience_s=5))
    assert LIAR in counted(decision)


@pytest.mark.parametrize(
    ("attack", "told"),
    [
        (copies, "p3 said nothing in time"),
        (changes, "p3 answered something else than it had committed to: it does not count"),
        (copies_the_seal, "p3 answered something else than it had committed to: it does not count"),
        (hides, "p3 never showed the answer that it had committed to: it does not count"),
    ],
)
def test_attack_d7_a_vote_that_is_copied_changed_or_hidden_does_not_count_and_the_rest_is_certified(
    attack: Callable[[Attacker], Hears], told: str
) -> None:
    decision, digests = ask(attack, Sealed(Vote(patience_s=5)))
    assert counted(decision) == {"p0", "p1", "p2"}
    assert told in decision.notes
    assert len(set(digests.values())) == 1
    certificate = Certificate.from_json(decision.certificate)
    assert verify_certificate(certificate, certificate.members).answer == decision.key


@pytest.mark.parametrize("protocol", [Vote(patience_s=5), Debate(rounds=1, patience_s=5)], ids=lambda p: p.name)
def test_honest_members_certify_under_seal_what_they_certify_without(protocol: AskProtocol) -> None:
    sealed, _ = ask(None, Sealed(protocol))
    plain, _ = ask(None, protocol)
    assert sealed.certificate
    assert sealed.silent == ()
    assert sealed.seconds < plain.seconds + 1
    assert not any("does not count" in note for note in sealed.notes)


def test_every_member_draws_a_nonce_of_its_own_for_every_question_and_nobody_else_can_draw_it() -> None:
    async def main() -> tuple[list[bytes], list[bytes]]:
        async with SimulatedMesh(3) as mesh:
            asked = [await mesh.ask(question, protocol=Sealed(Vote())) for question in ("2+2?", "3+3?")]
            copies = [mesh.nodes["p0"].channels[decision.channel].copy for decision in asked]
            nonces = [m.body.nonce for copy in copies for m in copy.said(Reveal)]
            guessed: list[bytes] = []
            for copy in copies:
                [opening] = copy.said(Opening)
                for member in opening.body.members:  # as whoever knows all that is public would draw
                    seat = Seat(
                        me=member.id, peer=Recorded(member.name), table=table_of(opening.body), channel=copy,
                        clock=mesh.clock, meter=Meter(Budget(), mesh.clock),
                    )  # fmt: skip
                    guessed.append(seat.hidden_rng.randbytes(16))
            return nonces, guessed

    nonces, guessed = on_virtual_time(main())
    assert len(set(nonces)) == 6
    assert not set(nonces) & set(guessed)


def test_a_member_that_is_killed_between_commitment_and_reveal_keeps_silent_and_contradicts_nothing() -> None:
    async def main() -> tuple[Decision, dict[str, bytes], set[str]]:
        async with SimulatedMesh(4, seed=5) as mesh:
            node, committed = mesh.nodes["p1"], asyncio.Event()
            sitting = node.on_opening
            assert sitting is not None

            def on(held: Held, opening: Message[Opening]) -> None:
                def look(message: Message[Any], _raw: bytes) -> None:
                    if isinstance(message.body, Commitment) and message.author == node.me:
                        committed.set()

                held.copy.subscribe(look)
                sitting(held, opening)

            node.on_opening = on
            asking = asyncio.create_task(mesh.ask("2+2?", protocol=Sealed(Vote(patience_s=3)), certify=True))
            await committed.wait()
            await mesh.crash("p1")
            await mesh.begin("p1", "old")
            decision = await asking
            await mesh.settle(decision.channel)
            forked = {n for n, other in mesh.nodes.items() if other.channels[decision.channel].forked}
            return decision, dict(mesh.digests(decision.channel)), forked

    decision, digests, forked = on_virtual_time(main())
    assert decision.certificate
    assert counted(decision) >= {"p0", "p2", "p3"}
    assert not forked
    assert len(set(digests.values())) == 1
