"""Who plays in an adversarial schedule, and what is fixed before it begins: all drawn from one seed.

Peers have no keys here: a signature is the signer's id beside what was signed, which nobody in a schedule forges. It
costs nothing, so that schedules are about order and lies; that real signatures hold is tested elsewhere.
"""

from __future__ import annotations

from random import Random

from blake3 import blake3

from waggledance.consensus import Heads, Seal
from waggledance.core import Member, MessageId, PeerId, UsageError

LAST_NUMBER = 8
"""Each member wrote so many messages before the protocol ended; members hold one to all of each other's."""
MAX_MEMBERS = 64

PEERS = tuple(PeerId(blake3(b"cast %d" % i).digest()) for i in range(MAX_MEMBERS))
_PLACE = {peer: i for i, peer in enumerate(PEERS)}
_IDS = {
    (i, number): MessageId(blake3(b"%d %d" % (i, number)).digest())
    for i in range(MAX_MEMBERS)
    for number in range(1, LAST_NUMBER + 2)
}


class Cast:
    """The members, the liars among them, what each holds at the end of its protocol, and what its seals say.

    Args:
        members: how many, 1 to 64, of equal weight.
        liars: how many of them lie, fewer than there are members.
        seed: of everything that is drawn: who lies and the order of turns differ from seed to seed.

    Raises:
        UsageError: so many members or liars there cannot be.
    """

    def __init__(self, members: int, liars: int, seed: int) -> None:
        if not 1 <= members <= MAX_MEMBERS or not 0 <= liars < members:
            raise UsageError(f"1 to {MAX_MEMBERS} members, fewer of them liars; got {members} and {liars}")
        rng = Random(seed)
        self.members = tuple([Member(PEERS[i], f"p{i}", 1) for i in range(members)])
        self.liars = tuple(sorted(rng.sample(range(members), liars)))
        self.honest = tuple([i for i in range(members) if i not in self.liars])
        self.question = MessageId(blake3(b"cast question %d" % seed).digest())
        self.held = tuple([[rng.randint(1, LAST_NUMBER) for _ in range(members)] for _ in range(members)])
        """What each member holds of each other one when its protocol ends: the number of its last message."""
        self.informed = rng.random() < 0.8
        """Whether everybody has got all messages by the time that others' seals arrive."""
        self.liars_help = rng.random() < 0.5
        """Whether liars go on talking when the network has healed."""
        self._nowhere = [rng.randint(1, LAST_NUMBER + 1) for _ in range(members)]

    def seals_of_liars(self) -> tuple[Seal, ...]:
        """Return what liars seal, each to others: little, everything, and perhaps a message that does not exist."""
        n = len(self.members)
        return tuple([Seal(heads=heads_of(last)) for last in ([1] * n, [LAST_NUMBER] * n, self._nowhere)])

    def decide(self, held: list[int], cut: Heads) -> bytes | None:
        """Return the outcome of a cut, another for every cut; None where a message of it is not held."""
        last = bytearray(len(held))
        for author, number, _ in cut:
            i = _PLACE[author]
            if number > held[i]:
                return None
            last[i] = number
        return bytes(last)


def heads_of(last: list[int]) -> Heads:
    """Return the heads of a member that holds each other one's messages up to these numbers."""
    return tuple(sorted([(PEERS[i], number, _IDS[i, number]) for i, number in enumerate(last)]))


def sign_as(i: int, statement: MessageId) -> bytes:
    """Return 64 bytes that stand for a member's signature."""
    return PEERS[i] + statement


def is_signed(author: PeerId, statement: MessageId, signature: bytes) -> bool:
    """Say whether they are that."""
    return signature == author + statement
