"""Every protocol of this room by its name: for the command line, for configuration, and for a log's opening."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import partial
from types import MappingProxyType
from typing import Any, cast

from waggledance.consensus import Bargained, Rule, SameComputation
from waggledance.consensus import by_name as rule_named
from waggledance.core import UnknownName, UsageError
from waggledance.protocols._audit import Audit, Audited
from waggledance.protocols._bargaining import Bargaining
from waggledance.protocols._confidence_debate import ConfidenceDebate
from waggledance.protocols._conversation import Conversation
from waggledance.protocols._debate import Debate
from waggledance.protocols._institution import Governed, Institution
from waggledance.protocols._institution_spec import institution_spec
from waggledance.protocols._nest_site import NestSite
from waggledance.protocols._outline_paths import OutlinePaths
from waggledance.protocols._peer_ranking import PeerRanking
from waggledance.protocols._protocol import AskProtocol, check_rule
from waggledance.protocols._quorum import Quorum
from waggledance.protocols._refinement import Refinement
from waggledance.protocols._round_table import RoundTable
from waggledance.protocols._sealed import PREFIX as SEALED
from waggledance.protocols._sealed import Sealed
from waggledance.protocols._society import Society
from waggledance.protocols._two_first import PRACTISED, AgreedFirst, TwoFirst, rule_inside
from waggledance.protocols._two_first import PREFIX as TWO_FIRST
from waggledance.protocols._vote import Vote
from waggledance.topology import Topology

AnyProtocol = (
    Vote
    | Debate
    | ConfidenceDebate
    | RoundTable
    | Conversation
    | Society
    | OutlinePaths
    | PeerRanking
    | Refinement
    | Audit
    | NestSite
    | Institution
    | Bargaining
)

_KINDS: dict[str, type[AnyProtocol]] = {
    kind.name: kind
    for kind in (
        Vote,
        Debate,
        ConfidenceDebate,
        RoundTable,
        Conversation,
        Society,
        OutlinePaths,
        PeerRanking,
        Refinement,
        Audit,
        NestSite,
        Institution,
        Bargaining,
    )
}

PROTOCOLS: Mapping[str, type[AnyProtocol]] = MappingProxyType(_KINDS)
"""Protocols by name; each is made with its own parameters."""

WRAPPERS: Mapping[str, Callable[[AskProtocol], Sealed | TwoFirst]] = MappingProxyType(
    {SEALED: Sealed, TWO_FIRST: TwoFirst, PRACTISED: partial(TwoFirst, shown=True)}
)
"""Protocols around another one, by the word that stands before that one's name."""


def unwrapped(name: str) -> str:
    """Return a protocol's name as it is without the words before it.

    >>> unwrapped("two-first sealed debate(rounds=1)")
    'debate(rounds=1)'
    """
    name = name.lstrip()
    for prefix in WRAPPERS:
        if name.startswith(prefix):
            return unwrapped(name.removeprefix(prefix))
    return name


def register(kind: type[Any]) -> None:
    """Make a protocol known by its name: to the command line, and to peers elsewhere who get no more than that.

    Args:
        kind: a dataclass that is an `AskProtocol`, with a `name` of its own and a default for every field.

    Raises:
        UsageError: another one has that name.
    """
    known = _KINDS.setdefault(kind.name, kind)
    if known is not kind:
        raise UsageError(f"two protocols claim the name {kind.name!r}: {known.__qualname__} and {kind.__qualname__}")


_SENSELESS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("vote", "rounds"): "nobody hears anybody in a vote; for more answers of each peer write 'vote(samples=3)'",
        ("vote", "topology"): "nobody hears anybody in a vote; choose 'debate' to let peers hear each other",
        ("society", "rounds"): "its strategy has a letter for every round; write 'society(strategy=0011)'",
        ("round-table", "topology"): "at a round table everybody hears everybody; choose 'debate' for another topology",
        ("conversation", "rounds"): "one speaks at a time; write 'conversation(max_turns=20)' for how often",
        ("conversation", "topology"): "in a conversation everybody hears every turn; choose 'debate' for a topology",
        ("peer-ranking", "rounds"): "peers answer once and judge once; choose 'debate' for rounds",
        (
            "peer-ranking",
            "topology",
        ): "judges read each two distinct answers, whoever gave them; choose 'debate' for one",
        ("nest-site", "topology"): "on the dance floor everybody sees every dance; choose 'debate' for a topology",
        ("bargain", "topology"): "at a bargain everybody grades every offer",
        ("institution", "rounds"): "its stages say who acts when; choose another with 'institution(spec=khanate)'",
        ("institution", "topology"): "its stages say who reads what; choose 'debate' for a topology",
        ("institution", "decide"): "its gates decide; choose another with 'institution(spec=khanate)'",
        ("outline-paths", "rounds"): "each answers once; for outlines written anew write 'outline-paths(redrafts=2)'",
        ("outline-paths", "topology"): "each works along one other peer's outline; choose 'debate' for a topology",
        ("refinement", "rounds"): "the weak are done again; write 'refinement(passes=2)' for how often",
        ("refinement", "topology"): "each solution is refined with all others at hand; choose 'debate' for a topology",
        ("audit", "rounds"): "an audit thinks again once at most; choose 'debate' for rounds",
        ("audit", "topology"): "auditors are drawn from all peers; choose 'debate' for a topology",
        ("nest-site", "decide"): "its quorum decides; set that with 'nest-site(quorum=0.8)', or choose 'peer-ranking'",
    }
)


_BARGAINED: Mapping[str, Rule] = MappingProxyType({rule.name: rule for rule in (Bargained(), Bargained("every"))})


def by_name(
    name: str,
    *,
    rounds: int | None = None,
    topology: Topology | None = None,
    rule: Rule | None = None,
    patience_s: float | None = None,
) -> AnyProtocol | Sealed | TwoFirst:
    """Make a protocol from its name, with what was chosen beside it; None leaves the protocol's own.

    Args:
        name: such as ``"debate"``, or with parameters, ``"nest-site(quorum=0.8)"``, ``"vote(samples=5)"``; with sealed
            first answers ``"sealed debate"``; with two that answer first ``"two-first vote"``.
        rounds: how often peers hear each other; a nest site's ticks.
        topology: who hears whom.
        rule: how many opinions become one.
        patience_s: how long to wait for those who are late, in seconds.

    Raises:
        UnknownName: there is no such protocol, or it has no such parameter; says the nearest.
        UsageError: a choice makes no sense with this protocol, says why; or the text cannot be read.

    >>> by_name("debate", rounds=3) == by_name("debate(rounds=3)") == Debate(rounds=3)
    True
    """
    for prefix, wrapped in WRAPPERS.items():
        if name.lstrip().startswith(prefix):
            inside = name.lstrip().removeprefix(prefix)
            return wrapped(by_name(inside, rounds=rounds, topology=topology, rule=rule, patience_s=patience_s))
    match = re.fullmatch(r"\s*([^()]+?)\s*(?:\((.*)\))?\s*", name)
    if match is None:
        raise UsageError(f"a protocol is a name with parameters, such as 'nest-site(quorum=0.8)', got {name!r}")
    kind = PROTOCOLS.get(match[1])
    if kind is None:
        raise UnknownName("protocol", match[1], PROTOCOLS)
    chosen: dict[str, Any] = {"rounds": rounds, "topology": topology, "decide": rule, "patience_s": patience_s}
    chosen = {option: value for option, value in chosen.items() if value is not None}
    for option in chosen:
        if (kind.name, option) in _SENSELESS:
            flag = {"decide": "rule", "patience_s": "patience"}.get(option, option)
            raise UsageError(f"protocol {kind.name!r} takes no {flag}: {_SENSELESS[kind.name, option]}")
    make = cast("Callable[..., AnyProtocol]", kind)
    protocol = make(**{**_read(match[2] or "", kind), **chosen})
    check_rule(protocol)
    return protocol


def rule_by_name(name: str) -> Rule:
    """Return the rule of this name, also one that only a protocol here makes, as it stands in a log's opening.

    Raises:
        UnknownName: there is none; says the nearest.
        UsageError: a quorum's share is out of range.

    >>> rule_by_name("quorum(0.8)")
    Quorum(share=0.8, otherwise='leader')
    """
    governed = re.fullmatch(r"institution\(([a-z0-9-]+)\)", name)
    if governed is not None:
        return Governed(institution_spec(governed[1]))
    audited = re.fullmatch(r"audited\((.+), (\d+)\)", name)
    if audited is not None:
        return Audited(rule_by_name(audited[1]), int(audited[2]))
    if rule_inside(name) != name:
        return AgreedFirst(rule_by_name(rule_inside(name)))
    if name in _BARGAINED:
        return _BARGAINED[name]
    verified = re.fullmatch(r"same-computation\((\d+), (\d+)\)", name)
    if verified is not None:
        return SameComputation(int(verified[1]), int(verified[2]))
    match = re.fullmatch(r"quorum\(([0-9.e-]+)(, undecided)?\)", name)
    if match is None:
        return rule_named(name)
    try:
        return Quorum(float(match[1]), "undecided" if match[2] else "leader")
    except ValueError as why:
        raise UsageError(f"the rule {name!r} cannot be read: {why}") from why


def _read(text: str, kind: type[AnyProtocol]) -> dict[str, int | float | str]:
    """Read ``quorum=0.8, rounds=40`` as parameters of a protocol: those whose default is a number or a word."""
    known: dict[str, object] = {f.name: f.default for f in fields(kind)}
    known = {name: own for name, own in known.items() if own is None or isinstance(own, (int, float, str))}
    given: dict[str, int | float | str] = {}
    for part in filter(str.strip, text.split(",")):
        parameter, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value:
            raise UsageError(f"of protocol {kind.name!r}, {part.strip()!r} is no parameter: write it as name=value")
        if parameter not in known:
            raise UnknownName(f"parameter of protocol {kind.name!r}", parameter, known)
        own = known[parameter]
        wanted = float if isinstance(own, float) else str if isinstance(own, str) else int
        try:
            given[parameter] = wanted(value)
        except ValueError:
            needed = "a whole number" if wanted is int else "a number"
            raise UsageError(f"{parameter} of protocol {kind.name!r} must be {needed}, got {value!r}") from None
    return given
