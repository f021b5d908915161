"""Once: a rule that remembers its last decision, because seats in one process decide on the very same messages."""

from __future__ import annotations

from waggledance.consensus._rule import Judgements, Need, Proposals, Rule, Weights, name_of, needs_of
from waggledance.core import Decision


class Once:
    """Another rule, called once for the same messages in the same order; one question's seats share it.

    A rule is a pure function, so this changes no decision. Of 35 seats one makes the Bradley–Terry fit.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._last: tuple[Proposals, Judgements, Weights, Decision] | None = None

    @property
    def name(self) -> str:
        return name_of(self.rule)

    @property
    def needs(self) -> frozenset[Need]:
        return needs_of(self.rule)

    def __call__(self, proposals: Proposals, judgements: Judgements, weights: Weights, /) -> Decision:
        proposals, judgements = tuple(proposals), tuple(judgements)  # a caller's list may grow
        last = self._last
        if last is not None and last[0] == proposals and last[1] == judgements and last[2] is weights:
            return last[3]
        decision = self.rule(proposals, judgements, weights)
        self._last = (proposals, judgements, weights, decision)
        return decision
