"""The protocol where none is named: what the question, the peers and what else was asked for make of it.

At equal spend a vote of more answers was not seen to do worse than a debate of fewer (`waggle lab compare`; the figures
are in docs/benchmarks.md), and a vote that ends when it is settled decides as the whole vote does, for less. So facts
are voted on, unless somebody wants to hear the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from waggledance.consensus import Rule, needs_of
from waggledance.core import Peer, Question
from waggledance.protocols._protocol import AskProtocol
from waggledance.protocols._registry import by_name, rule_by_name
from waggledance.protocols._stopping import settles
from waggledance.topology import Topology

SAMPLES = 3
"""Answers of each peer at most: with five peers as many as a debate of two rounds has."""

_WORDS_OF_THEIR_OWN = frozenset({"free", "code"})
"""Kinds of answers of which hardly two are equal, so that votes do not add up."""


@dataclass(frozen=True, kw_only=True)
class Default:
    """What a swarm follows where no protocol is named; another one for another kind of question.

    Args:
        rule: how many opinions become one; the protocol's own when None.
        topology: who hears whom; the protocol's own when None.
        rounds: how often peers hear each other; as often as the protocol has it when None.
        patience_s: how long to wait for those who are late, in seconds; the protocol's own when None.
    """

    rule: Rule | None = None
    topology: Topology | None = None
    rounds: int | None = None
    patience_s: float | None = None

    def chosen(self, question: Question, peers: Sequence[Peer] = ()) -> AskProtocol:
        """Return the protocol for a question.

        A vote of several answers of each, which ends when it is settled. Of one answer each where no two are equal, of
        which the one nearest to all others is taken, or where no peer would answer otherwise when asked again; of all
        answers where nobody knows when the rule's outcome is settled. A debate where a person sits among the peers, who
        wants to hear the others, or where rounds or a topology are given; peer ranking for a rule on judgements; a
        bargain for packages.

        Args:
            question: what is asked.
            peers: who is asked; where nobody is named, peers like language models.

        Raises:
            UsageError: rule, topology and rounds make no sense together; says why.

        >>> Default().chosen(Question(text="2 + 2?", expects="number")) == by_name("vote(samples=3, stop=settled)")
        True
        """
        name, rule = self._name(question, peers), self.rule
        if name == "vote" and rule is None and question.expects in _WORDS_OF_THEIR_OWN:
            rule = rule_by_name("centroid")
        return by_name(name, rounds=self.rounds, topology=self.topology, rule=rule, patience_s=self.patience_s)

    def _name(self, question: Question, peers: Sequence[Peer]) -> str:
        if question.of_values:
            return "bargain"
        if self.rule is not None and "judgements" in needs_of(self.rule):
            return "peer-ranking"
        if (
            self.rounds is not None
            or self.topology is not None
            or any(getattr(peer, "person", False) for peer in peers)
        ):
            return "debate"
        draws = not peers or any(getattr(peer, "draws", True) for peer in peers)
        if question.expects in _WORDS_OF_THEIR_OWN or not draws:
            return "vote"
        stop = "settled" if self.rule is None or settles(self.rule) else "never"
        return f"vote(samples={SAMPLES}, stop={stop})"


def protocol_for(protocol: AskProtocol | Default, question: Question, peers: Sequence[Peer] = ()) -> AskProtocol:
    """Return a protocol as it is, and in the place of `Default` what that chooses for a question and its peers.

    Raises:
        UsageError: what was asked for beside the default makes no sense together.
    """
    return protocol.chosen(question, peers) if isinstance(protocol, Default) else protocol
