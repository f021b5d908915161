"""An arm as one writes it: ``debate(rounds=2) rule=confidence topology=ring peers=5 weights=em name=mine``.

arm     = protocol { option }
protocol = NAME [ "(" parameter=value { "," parameter=value } ")" ]      as in `waggle ask --protocol`
option  = "rule=" NAME                    how many opinions become one; the protocol's own when left out
        | "topology=" NAME [ "(…)" ]      who hears whom, as in "k-regular(k=4)"
        | "weights=" NAME                 what peers weigh, learnt from all tasks without their keys
        | "probes=" SHARE                 of the tasks, whose keys the weights are learnt from as well
        | "peers=" N                      how many sit
        | "peers=" NAME { "+" NAME }      exactly these
        | "name=" WORD                    what the report calls it; the arm's own text when left out
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields

import msgspec

from waggledance import protocols, topology
from waggledance.core import UnknownName, UsageError
from waggledance.lab._arm import Weigh
from waggledance.lab._estimators import estimator_by_name
from waggledance.protocols import AskProtocol

OPTIONS = ("rule", "topology", "weights", "probes", "peers", "name")
_WORD = re.compile(r"\s*((?:[^\s()]|\([^()]*\))+)")


class ArmText(msgspec.Struct, frozen=True):
    """An arm that has been read, but for who its peers are."""

    name: str
    protocol: AskProtocol
    weigh: Weigh | None
    probes: float
    peers: int | Sequence[str] | None
    """How many, or which; None leaves it open."""


def read_arm(text: str) -> ArmText:
    """Read an arm.

    Raises:
        UnknownName: a protocol, rule, topology, estimator, parameter or option is none; says the nearest.
        UsageError: the text cannot be read, an option stands twice, or the parts make no sense together.

    >>> read_arm("vote(samples=3) peers=2 name=thrice").peers
    2
    """
    words = _words(text)
    options: dict[str, str] = {}
    for word in words[1:]:
        option, equals, value = word.partition("=")
        if not equals or not value:
            raise UsageError(f"in the arm {text!r}, {word!r} is no option: write it as option=value, as in rule=borda")
        if option not in OPTIONS:
            _check_no_parameter(words[0], option, value, text)
            raise UnknownName(f"option of the arm {text!r}", option, OPTIONS)
        if option in options:
            raise UsageError(f"in the arm {text!r}, {option} stands twice")
        options[option] = value
    protocol = protocols.by_name(
        words[0],
        rule=protocols.rule_by_name(options["rule"]) if "rule" in options else None,
        topology=topology.by_name(options["topology"]) if "topology" in options else None,
    )
    return ArmText(
        name=options.get("name", " ".join(words)),
        protocol=protocol,
        weigh=estimator_by_name(options["weights"]) if "weights" in options else None,
        probes=_probes(options["probes"], text) if "probes" in options else 0.0,
        peers=_peers(options["peers"], text) if "peers" in options else None,
    )


def _check_no_parameter(protocol: str, option: str, value: str, text: str) -> None:
    """Say where a protocol's own parameter goes that stands among the options.

    Raises:
        UsageError: it is one.
    """
    kind = protocols.PROTOCOLS.get(protocol.partition("(")[0])
    if kind is not None and option in {field.name for field in fields(kind)}:
        raise UsageError(
            f"in the arm {text!r}, {option} is a parameter of the protocol: write {kind.name}({option}={value})"
        )


def _probes(value: str, text: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise UsageError(f"in the arm {text!r}, probes={value} is no share: write it as in probes=0.1") from None


def _words(text: str) -> list[str]:
    """Split at spaces, but not inside brackets."""
    words: list[str] = []
    at = 0
    stripped = text.rstrip()
    while at < len(stripped):
        match = _WORD.match(stripped, at)
        if match is None:
            raise UsageError(f"the arm {text!r} cannot be read from {stripped[at:].strip()!r} on: a bracket is open")
        words.append(match[1])
        at = match.end()
    if not words:
        raise UsageError("an arm is a protocol with options, such as 'vote(samples=5) rule=confidence'; got nothing")
    return words


def _peers(value: str, text: str) -> int | Sequence[str]:
    if re.fullmatch(r"\d{1,9}", value):
        if int(value) < 1:
            raise UsageError(f"in the arm {text!r}, nobody sits: give peers=1 or more")
        return int(value)
    names = tuple(value.split("+"))
    if not all(names):
        raise UsageError(f"in the arm {text!r}, peers={value} names nobody in one place: write peers=a+b")
    return names
