"""The protocol that settings ask for, with its rule and its topology; or, where none is named, what the evidence says.

Evidence: at equal spend a vote of more answers beats a debate of fewer (`waggle lab compare`, docs/benchmarks.md), and
a vote that ends when it is settled decides as the whole vote does, for less.
"""

from __future__ import annotations

from typing import Any

from waggledance import protocols, topology
from waggledance.cli._config import InForce
from waggledance.consensus import Rule, needs_of
from waggledance.core import Question
from waggledance.protocols import AskProtocol
from waggledance.tasks import register_protocols

SAMPLES = 3
"""Answers of each peer at most: with five peers as many as a debate of two rounds has."""

_WORDS_OF_THEIR_OWN = frozenset({"free", "code"})
"""Kinds of answers of which hardly two are equal, so that votes do not add up."""

_SETTLES = frozenset({"majority", "confidence", "confidence-bins"})


def protocol_from(force: InForce, question: Question, *, human: bool) -> tuple[AskProtocol, str]:
    """Return the protocol, and its name as it could be typed.

    Raises:
        UnknownName: there is no such protocol, rule or topology; says the nearest.
        UsageError: they make no sense together; says why.
    """
    register_protocols()
    ask = force.settings.ask
    options: dict[str, Any] = {"rounds": ask.rounds, "patience_s": ask.patience_s}
    rule: Rule | None = None
    if ask.rule is not None:
        named_rule = ask.rule
        rule = options["rule"] = force.using("ask.rule", lambda: protocols.rule_by_name(named_rule))
    if ask.topology is not None:
        named = ask.topology
        options["topology"] = force.using("ask.topology", lambda: topology.by_name(named))
    name = ask.protocol or default_for(force, question, rule, human=human)
    if ask.protocol is None and rule is None and question.expects in _WORDS_OF_THEIR_OWN and name == "vote":
        options["rule"] = protocols.rule_by_name("centroid")
    given = {name: value for name, value in options.items() if value is not None}
    return force.using("ask.protocol", lambda: protocols.by_name(name, **given)), name


def default_for(force: InForce, question: Question, rule: Rule | None, *, human: bool) -> str:
    """Return the name of the protocol for a question where none is asked for, as it could be typed.

    A vote of several answers of each, which ends when it is settled; of one answer each where no two are equal, where
    models draw nothing, or where the rule cannot tell when it is settled. A debate where somebody sits at the terminal,
    who wants to hear the others, or where rounds or a topology are given; peer ranking for a rule on judgements;
    bargaining for packages.
    """
    ask = force.settings.ask
    if question.expects == "package":
        return "bargain"
    if rule is not None and "judgements" in needs_of(rule):
        return "peer-ranking"
    if human or ask.rounds is not None or ask.topology is not None:
        return "debate"
    if question.expects in _WORDS_OF_THEIR_OWN or ask.temperature == 0:
        return "vote"
    if ask.rule is not None and ask.rule not in _SETTLES:
        return f"vote(samples={SAMPLES})"
    return f"vote(samples={SAMPLES}, stop=settled)"
