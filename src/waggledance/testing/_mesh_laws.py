"""The laws of the mesh, looked at when a schedule has been played.

They hold whatever happens, while no more members lie than the quorum allows for:

    one certificate    of no question can two decisions be certified, with all that liars could sign
    it holds           a certificate is valid for whoever knows the founders, and says what was decided
    equal replicas     when the faults are over, all honest members come to the same sets
    budget             nobody thinks or writes beyond its budget
    an end             every question ends, at the asker and at every honest member
    nobody disowned    no honest member is taken for one that equivocates
    the vote           nobody has one but the founders

Source: the project's network specification, §9 (invariants).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from waggledance.consensus import Ack, Certificate, CertificateInvalid, quorum, verify_certificate
from waggledance.core import Decision, Judgement, MessageId, Note, PeerId, Proposal
from waggledance.mesh import Node
from waggledance.testing._mesh_models import ScheduledPeer
from waggledance.testing._mesh_schedule import LIMITS
from waggledance.testing._simulated_mesh import ASKER, SimulatedMesh


class Laws:
    """What has been broken of them in one swarm.

    Args:
        mesh: the swarm.
        liars: who may lie, by name.
    """

    def __init__(self, mesh: SimulatedMesh, liars: frozenset[str]) -> None:
        self._mesh, self._liars = mesh, liars
        self._names = {key.peer: name for name, key in mesh.keys.items()}
        self._acks: dict[tuple[MessageId, bytes], set[tuple[int, PeerId]]] = {}
        """By question and digest: who has acked it, and in which epoch."""
        self.broken: list[str] = []

    def apart(self) -> list[str]:
        """Return the channels of which honest members that are up hold different sets."""
        nodes = {name: self._mesh.nodes[name] for name in self.honest() if name in self._mesh.nodes}
        channels = sorted({channel for node in nodes.values() for channel in node.channels})
        apart: list[str] = []
        for channel in channels:
            digests = self._mesh.digests(channel)
            if len({digests.get(name, b"") for name in nodes}) > 1:
                apart.append(f"equal replicas: channel {channel.split('-')[0]!r} differs")
        return apart

    def look(self, nodes: Iterable[Node], peers: Iterable[ScheduledPeer], decisions: Sequence[Decision]) -> None:
        """Look at everything that all nodes, also liars', have come to hold, and at what was decided."""
        mesh = self._mesh
        for each in nodes:
            self.note_acks(each)
        self._look_at_acks()
        voters = {member.id for member in mesh.genesis.members if member.weight}
        for name in self.honest():
            node = mesh.nodes.get(name)
            if node is None:
                continue
            for held in node.channels.values():
                for author in held.copy.forked & {mesh.keys[honest].peer for honest in self.honest()}:
                    self.breaks("nobody disowned", f"{name} disowns {self._names[author]}, who is honest")
                self._look_at_messages(name, held.copy.messages())
            if {member.id for member in node.members.values() if member.weight} != voters:
                self.breaks("the vote", f"{name} lets others vote than the founders")
        for peer in peers:
            if peer.name not in self._liars:
                for what in peer.overspent:
                    self.breaks("budget", what)
        for decision in decisions:
            if decision.certificate:
                self._look_at_certificate(decision)

    def _look_at_messages(self, name: str, messages: Sequence[Any]) -> None:
        if name not in self.honest():
            return
        written = Counter(m.author for m in messages if isinstance(m.body, Proposal | Judgement | Note))
        limit = LIMITS.messages
        for author, count in written.items():
            honest = self._names.get(author) in self.honest()
            if honest and limit is not None and count > limit:
                self.breaks("budget", f"{self._names[author]} wrote {count} messages, {limit} were allowed")

    def _look_at_certificate(self, decision: Decision) -> None:
        certificate = Certificate.from_json(decision.certificate)
        try:
            verify_certificate(certificate, self._mesh.genesis.members, holds=self._mesh.reader.holds)
        except CertificateInvalid as why:
            self.breaks("it holds", str(why))
        if certificate.answer != decision.key:
            self.breaks("it holds", f"{certificate.answer!r} is certified, and {decision.key!r} was decided")

    def _look_at_acks(self) -> None:
        """See whether of any question two decisions could be certified, if liars had acked everything."""
        weights = {member.id: member.weight for member in self._mesh.genesis.members if member.weight}
        needed = quorum(self._mesh.genesis.members, self._mesh.genesis.quorum).needed
        lying = sum(weights[self._mesh.keys[name].peer] for name in self._liars if name != ASKER)
        full: dict[MessageId, set[bytes]] = {}
        for (question, digest), acks in self._acks.items():
            for epoch in {epoch for epoch, _ in acks}:
                honest = {who for at, who in acks if at == epoch and self._names.get(who) not in self._liars}
                if lying + sum(weights.get(who, 0) for who in honest) >= needed:
                    full.setdefault(question, set()).add(digest)
        for digests in full.values():
            if len(digests) > 1:
                self.breaks("one certificate", f"{len(digests)} decisions on one question can be certified")

    def note_acks(self, node: Node) -> None:
        """Remember who acked what, as a node holds it at this moment."""
        for held in node.channels.values():
            for message in held.copy.messages():
                ack = message.body
                if isinstance(ack, Ack):
                    acks = self._acks.setdefault((ack.question, ack.digest), set())
                    acks.add((ack.round, message.author))

    def honest(self) -> list[str]:
        """Return the names of those who do not lie, the asker's among them."""
        return [name for name in self._mesh.keys if name not in self._liars]

    def breaks(self, law: str, what: str) -> None:
        """Note that a law is broken."""
        self.broken.append(f"{law}: {what}")
