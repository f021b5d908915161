"""The fold behind `membership_of`: what each message in the lobby changes, one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from waggledance.consensus import quorum
from waggledance.core import Member, Message, MessageId, PeerId, is_public_key, past_of, show
from waggledance.mesh._admission_bodies import Admit, Join, Leave, Revoke
from waggledance.mesh._genesis import Genesis
from waggledance.mesh._invite import Invite
from waggledance.mesh._names import alike

MAX_ASKS = 4
"""How often one key may ask to come in."""
JOINS_A_GUEST = 4
"""Of joins on one member's invites a door lets so many into the lobby for each guest that the member may bring in."""


class Entry(NamedTuple):
    """How a member came in: by which join, on whose invite."""

    join: MessageId
    issuer: PeerId


class Fold:
    """Goes through a lobby's messages once, in order; the attributes are what came of it."""

    def __init__(self, genesis: Genesis, messages: Iterable[Message[Any]]) -> None:
        self._genesis, self._limits = genesis, genesis.limits
        self._swarm = genesis.swarm
        self._messages = {message.id: message for message in messages if message.swarm == self._swarm}
        self.members: dict[PeerId, Member] = {member.id: member for member in genesis.members}
        self.ever: set[PeerId] = set(self.members)
        self.waiting: list[Message[Join]] = []
        self.refused: list[tuple[PeerId, str]] = []
        self.left: set[PeerId] = set()
        self.revoked: dict[PeerId, tuple[str, ...]] = {}
        self.epoch = 0
        self.nonces: dict[bytes, PeerId] = {}
        self.brought: Counter[bytes] = Counter()
        """By issuer: how many joins its invites have brought."""
        self.granted: Counter[bytes] = Counter()
        """By founder: the weight that its invites have granted."""
        self.asked_with: Counter[bytes] = Counter()
        """By issuer: how many joins with its invites there are, whatever became of them."""
        self._introduced: set[MessageId] = set()
        self._guests_of: set[tuple[bytes, PeerId]] = set()
        """Issuers with those whom their invites have brought: who asks again uses up no more."""
        self._entries: dict[PeerId, Entry] = {}
        self._names = {alike(member.name) for member in genesis.members}
        self._votes: dict[PeerId, dict[PeerId, int]] = {}
        self._accusations: dict[PeerId, dict[PeerId, MessageId]] = {}
        self._go_through()

    def _go_through(self) -> None:
        doubled = _doubled(self._messages.values())
        about_members = [m for m in self._messages.values() if isinstance(m.body, (Join, Admit, Leave, Revoke))]
        for message in sorted(about_members, key=lambda message: (message.lamport, message.id)):
            author, body = message.author, message.body
            if message.sequence >= doubled.get(author, message.sequence + 1):
                if isinstance(body, Join):
                    self.refused.append((author, "it said two things under one number"))
                continue
            changes = self.epoch
            match body:
                case Join():
                    self._ask(message)
                case Admit() if author in self.members:
                    self._votes.setdefault(PeerId(body.who), {})[author] = body.weight
                    self._admit(PeerId(body.who))
                case Revoke() if author in self.members and body.who != author:
                    self._accusations.setdefault(PeerId(body.who), {}).setdefault(author, message.id)
                    self._revoke(PeerId(body.who))
                case Leave():
                    self._leave(author)
                case _:  # a vote by somebody who has none, or about oneself
                    continue
            while changes != self.epoch:  # whoever belongs now may let in those who wait, or complete a quorum
                changes = self.epoch
                for waiter in tuple(self.waiting):
                    self._look_at(waiter)
                for who in sorted(self._accusations):
                    self._revoke(who)

    # -- coming in ----------------------------------------------------------------------------------------------

    def _ask(self, message: Message[Join]) -> None:
        self.asked_with[message.body.invite.issuer] += 1
        why = self.why_never(message)
        if why is not None:
            self.refused.append((message.author, why))
            return
        self.nonces[message.body.invite.nonce] = message.author
        self.waiting.append(message)
        self._look_at(message)
        self._make_room(message.body.invite.issuer)

    def _make_room(self, issuer: bytes) -> None:
        """Let those who asked first on a member's invites wait no more, where more wait than it may bring in."""
        most = self._limits.guests
        if self.asked_with[issuer] <= most:
            return
        mine = [message for message in self.waiting if message.body.invite.issuer == issuer]
        for message in mine[: max(0, len(mine) - most)]:
            self.waiting.remove(message)
            self.refused.append((message.author, f"{most} others have asked since on the same member's invites"))

    def why_never(self, message: Message[Join]) -> str | None:
        """Return why a join that comes next can never count, whoever else comes in; None when it may."""
        author, invite = message.author, message.body.invite
        if author in self.members:
            return "it is a member already"
        if author in self.left:
            return "it has left, and a key that has left does not come back: join with a new one"
        if author in self.revoked:
            return "it was revoked"
        if self._genesis.admission == "closed":
            return "the swarm is closed"
        if invite.swarm != self._swarm:
            return "its invite is for another swarm"
        if not invite_holds(invite, author, message.body.proof):
            return "its invite does not hold"
        if self.nonces.get(invite.nonce, author) != author:
            return "invite used twice"
        return asks_too_often(message)

    def _look_at(self, message: Message[Join]) -> None:
        """Let somebody in who waits, or send it away, if it is time."""
        author, invite = message.author, message.body.invite
        why = self.why_no_more(message)
        if why is not None:
            self.waiting.remove(message)
            self.refused.append((author, why))
            return
        if message.id not in self._introduced:
            if invite.issuer not in self.members or len(self.members) >= self._limits.members:
                return
            self._introduced.add(message.id)
            if (invite.issuer, author) not in self._guests_of:
                self._guests_of.add((invite.issuer, author))
                self.brought[invite.issuer] += 1
        if self._genesis.admission == "quorum":
            self._admit(author)
            return
        weight = invite.weight if self._genesis.founder(PeerId(invite.issuer)) is not None else 0
        self.granted[invite.issuer] += weight
        self._let_in(message, weight)

    def why_no_more(self, message: Message[Join]) -> str | None:
        """Return why a join that waits will wait in vain; None when it may yet count."""
        issuer, weight = PeerId(message.body.invite.issuer), message.body.invite.weight
        if message.author in self.members:
            return "it is a member already"
        if message.id in self._introduced:
            return None
        if issuer in self.left or issuer in self.revoked:
            return f"its invite was issued by {show(issuer)}, who is a member no more"
        if self.brought[issuer] >= self._limits.guests and (issuer, message.author) not in self._guests_of:
            return f"its invite was issued by {show(issuer)}, who has brought in {self._limits.guests} already"
        grants = self._genesis.admission == "invited" and self._genesis.founder(issuer) is not None
        if grants and self.granted[issuer] + weight > self._limits.granted_weight:
            return f"its invite was issued by {show(issuer)}, who has no weight left to grant"
        return None

    def _admit(self, who: PeerId) -> None:
        """Give a peer the weight that a quorum says, if one does. That uses the votes up: the next change is new."""
        votes = self._votes.get(who, {})
        needed = self._needed(self.members.values())
        agreed = [
            w for w in sorted(set(votes.values())) if 0 < needed <= self._weight(v for v in votes if votes[v] == w)
        ]
        if not agreed or self._genesis.admission == "closed":
            return
        [weight] = agreed
        member = self.members.get(who)
        if member is not None:
            del self._votes[who]
            self._entries.pop(who, None)
            if member.weight != weight:
                self.members[who] = Member(who, member.name, weight)
                self.epoch += 1
            return
        for message in self.waiting:
            if message.author == who and message.id in self._introduced and len(self.members) < self._limits.members:
                del self._votes[who]
                self._let_in(message, weight)
                return

    def _let_in(self, message: Message[Join], weight: int) -> None:
        body, who = message.body, message.author
        self.waiting.remove(message)
        self.members[who] = Member(who, self._name(body.invite.guest or body.name, who), weight)
        self.ever.add(who)
        self._entries[who] = Entry(message.id, PeerId(body.invite.issuer))
        self.epoch += 1

    def _name(self, wanted: str, who: PeerId) -> str:
        """Return a name that nobody here has had: what is wanted, or that with as much of the key as sets it apart."""
        names = (wanted, *(f"{wanted}#{who.hex()[:digits]}" for digits in range(4, 65, 4)))
        name = next(name for name in names if alike(name) not in self._names)
        self._names.add(alike(name))
        return name

    # -- going --------------------------------------------------------------------------------------------------

    def _leave(self, who: PeerId) -> None:
        waiting = [message for message in self.waiting if message.author == who]
        if who in self.members:
            del self.members[who]
        elif not waiting:
            return
        for message in waiting:
            self.waiting.remove(message)
        self.left.add(who)
        self.epoch += 1

    def _revoke(self, who: PeerId) -> None:
        """Let a member go if a quorum of the others says so, and those with it whom nobody had seen before."""
        if who not in self.members:
            return
        guests = self._guests(who)
        judges = [member for id, member in self.members.items() if id not in guests]
        heard = {
            voter: said
            for voter, said in self._accusations[who].items()
            if voter in self.members and voter not in guests and self.members[voter].weight
        }
        needed = self._needed(judges)
        if len(heard) < 2 or self._weight(heard) < needed:
            return
        hidden = self._hidden(guests, heard, quorum(judges, self._genesis.quorum).faulty)
        reasons = tuple(self._messages[heard[voter]].body.reason for voter in sorted(heard))
        del self.members[who], self._accusations[who]
        self.revoked[who] = reasons
        for guest in hidden:
            del self.members[guest]
            self.refused.append((guest, f"{show(who)} was revoked before enough members had seen it join"))
        self.epoch += 1

    def _hidden(self, guests: Sequence[PeerId], heard: Mapping[PeerId, MessageId], may_lie: int) -> list[PeerId]:
        """Return the guests whose join was seen, by those who revoke, by no more weight than may lie."""
        joins = {guest: self._entries[guest].join for guest in guests}
        since = min((self._messages[join].lamport for join in joins.values()), default=0)
        seen = {voter: past_of(said, self._messages, since=since) for voter, said in heard.items()} if joins else {}
        return [
            guest for guest in guests if self._weight(v for v, past in seen.items() if joins[guest] in past) <= may_lie
        ]

    def _guests(self, who: PeerId) -> list[PeerId]:
        """Return the members who came in on somebody's invites without a quorum's word, and on theirs, and so on."""
        if self._genesis.admission != "invited":
            return []
        found = [who]
        for host in found:
            found += [
                guest
                for guest, entry in self._entries.items()
                if entry.issuer == host and guest in self.members and guest not in found
            ]
        return found[1:]

    # -- weighing -----------------------------------------------------------------------------------------------

    def _needed(self, members: Iterable[Member]) -> int:
        """Return the weight of a quorum; 0 when nobody has a vote, and then there is none."""
        having = [member for member in members if member.weight]
        return quorum(having, self._genesis.quorum).needed if having else 0

    def _weight(self, voters: Iterable[PeerId]) -> int:
        return sum(self.members[voter].weight for voter in voters if voter in self.members)


def asks_too_often(join: Message[Join]) -> str | None:
    """Return why a join is one too many of its author's; None when it is not. A newcomer says nothing else."""
    return f"it has asked {MAX_ASKS} times already" if join.sequence > MAX_ASKS else None


@lru_cache(maxsize=4_096)
def invite_holds(invite: Invite, guest: PeerId, proof: bytes) -> bool:
    """Return whether an invite was signed by its issuer and given to this guest, who has a key that signatures can be
    told by; remembers, because signatures are slow.
    """
    return is_public_key(guest) and invite.brings(guest, proof)


def _doubled(messages: Iterable[Message[Any]]) -> dict[PeerId, int]:
    """Return, by author who said two things under one number, the first such number."""
    first: dict[tuple[PeerId, int], MessageId] = {}
    doubled: dict[PeerId, int] = {}
    for message in messages:
        slot = (message.author, message.sequence)
        if first.setdefault(slot, message.id) != message.id:
            doubled[message.author] = min(doubled.get(message.author, message.sequence), message.sequence)
    return doubled
