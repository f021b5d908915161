"""What members who lie do beside sending: they vote for everything, invent peers, slander, flood, and claim.

Each has a node that is as honest as any other, and the key; what they do is what anybody with both could do.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from blake3 import blake3
from msgspec.structs import replace

from waggledance.consensus import Ack, Claim, Prep
from waggledance.consensus._certificate_bodies import ack_statement, prep_statement
from waggledance.core import UNIT, Key, Message, Note, Opening, PeerId, compose, frame
from waggledance.mesh import Capability, Genesis, Node, Skill
from waggledance.mesh._admission_bodies import Join
from waggledance.mesh._capability import MAX_NUMBER
from waggledance.mesh._channels import LOBBY
from waggledance.mesh._held import Held
from waggledance.mesh._invite import DAY_MS, HeldInvite, Invite, digest_of_invite
from waggledance.mesh._swim_messages import Ping, death
from waggledance.mesh._wire import EVERYBODY, Push, seal
from waggledance.network import VirtualLoop
from waggledance.testing._simulated_key import SimulatedKey

JUNK_BYTES = 200


def sign_all(node: Node, loop: VirtualLoop) -> None:
    """Let a member prep and ack whatever anybody claims, from the next question on."""
    sits_down = node.on_opening

    def opened(held: Held, opening: Message[Opening]) -> None:
        signed: set[tuple[int, bytes]] = set()

        def sign(epoch: int, digest: bytes) -> None:
            for kind, statement in ((Prep, prep_statement), (Ack, ack_statement)):
                signature = node.key.sign(statement(opening.id, epoch, digest))
                body = kind(round=epoch, question=opening.id, digest=digest, signature=signature)
                held.copy.publish(node.me, body, [], node.clock.wall_ms())

        def look(message: Message[Any], _raw: bytes) -> None:
            claim = message.body
            if isinstance(claim, Claim) and (claim.round, claim.digest) not in signed:
                signed.add((claim.round, claim.digest))
                loop.call_soon(sign, claim.round, claim.digest)

        held.copy.subscribe(look)
        if sits_down is not None:
            sits_down(held, opening)

    node.on_opening = opened


def flood(node: Node, messages: int, rng: Random) -> None:
    """Write so many notes into every channel, and send as much junk to everybody."""
    for held in list(node.channels.values()):
        for i in range(messages):
            held.copy.publish(node.me, Note(about="flood", text=f"{i} {rng.random()}"), [], node.clock.wall_ms())
    for _ in range(messages):
        node.transport.spread(rng.randbytes(JUNK_BYTES))


def invent_peers(node: Node, count: int, seed: int) -> None:
    """Invite peers that nobody else knows, ask for a vote for each, and let them join."""
    issuer = node.key.real if isinstance(node.key, SimulatedKey) else node.key  # invites are always really signed
    for i in range(count):
        secret = blake3(b"waggle/sybil/1\0%d\0%d" % (seed, i)).digest()
        sybil = Key(blake3(secret).digest())
        held = _invited(issuer, node.genesis, secret, node.clock.wall_ms())
        join, _ = compose(sybil.peer, Join.of(held, sybil.peer, f"sybil{i}"), 1, None, (), 1, 0, node.swarm, LOBBY)
        push = Push(LOBBY, (frame(sybil.signed(join)),))
        node.transport.spread(seal(sybil, node.swarm, EVERYBODY, push))


def slander(node: Node, about: PeerId, rng: Random) -> None:
    """Tell everybody that a peer is dead, in the incarnation that everybody begins with."""
    dead = death(node.key, node.swarm, about, 0, b"")
    node.transport.spread(seal(node.key, node.swarm, EVERYBODY, Ping(rng.getrandbits(60), (dead,))))


def claim_everything(node: Node) -> None:
    """Publish a record of doing everything for nothing, in the highest version there is."""
    skills: Sequence[Skill] = [Skill(id=name, name=name, desc="better than anybody") for name in ("think", "count")]
    record = Capability(ver=MAX_NUMBER, name="the best", desc="everything", skills=tuple(skills))
    node.lobby.copy.publish(node.me, record, [], node.clock.wall_ms())


def _invited(issuer: Key, genesis: Genesis, secret: bytes, now_ms: int) -> HeldInvite:
    """Return an invite with a vote; its maker cares for no limit."""
    blank = Invite(swarm=genesis.swarm, swarm_name=genesis.name, endpoints=(), issuer=issuer.peer,
                   nonce=Key(secret).peer, weight=UNIT, issued_ms=now_ms, not_after_ms=now_ms + DAY_MS)  # fmt: skip
    return HeldInvite(replace(blank, signature=issuer.sign(digest_of_invite(blank))), secret)
