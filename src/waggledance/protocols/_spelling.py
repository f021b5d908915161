"""A protocol as text, and back: how peers on other machines learn what to run.

An opening names protocol, topology and rule. Parameters that are not the protocol's own stand in its name, as in
``debate(rounds=3)``, so that whoever reads the opening can make the same protocol again.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, cast

import msgspec

from waggledance import topology as topologies
from waggledance.consensus import Rule, name_of
from waggledance.core import Opening, UsageError
from waggledance.protocols._protocol import AskProtocol, Folding, title_of
from waggledance.protocols._registry import PROTOCOLS, WRAPPERS, by_name, rule_by_name
from waggledance.protocols._sealed import Sealed
from waggledance.protocols._two_first import TwoFirst, rule_inside


def spelled(protocol: AskProtocol) -> tuple[str, str, str]:
    """Return a protocol's name with its parameters, its topology's, and its rule's; an empty text for what it has not.

    >>> from waggledance.protocols import Debate, Vote
    >>> spelled(Vote(samples=3, stop="settled"))
    ('vote(samples=3, stop=settled)', '', 'majority')
    """
    if isinstance(protocol, Sealed | TwoFirst):
        name, *rest = spelled(protocol.protocol)
        return protocol.prefix + name, rest[0], name_of(protocol.decide) if isinstance(protocol, TwoFirst) else rest[1]
    shape: Any = getattr(protocol, "topology", None)
    rule: Rule | None = getattr(protocol, "decide", None)
    return _with_parameters(protocol), "" if shape is None else _with_parameters(shape), name_of(rule) if rule else ""


def as_opened(opening: Opening) -> AskProtocol:
    """Return the protocol that an opening names.

    Raises:
        UnknownName: this program knows no such protocol, topology or rule.
        UsageError: they make no sense together.
    """
    for prefix, wrapped in WRAPPERS.items():
        if opening.protocol.startswith(prefix):
            inside = opening.protocol.removeprefix(prefix)
            named = msgspec.structs.replace(opening, protocol=inside, rule=rule_inside(opening.rule))
            return wrapped(as_opened(named))
    plain = by_name(opening.protocol)
    rule = None
    if "decide" in plain.__dataclass_fields__ and name_of(cast("Any", plain).decide) != opening.rule:
        rule = rule_by_name(opening.rule)
    topology = topologies.by_name(opening.topology) if opening.topology else None
    if topology is None and rule is None:
        return plain
    return by_name(opening.protocol, topology=topology, rule=rule)


def folds(opening: Opening) -> bool:
    """Say whether an opened question is decided by a fold; so far as is known here."""
    kind = PROTOCOLS.get(opening.protocol.partition("(")[0])
    return kind is not None and issubclass(kind, Folding)


def check_spelled(protocol: AskProtocol) -> None:
    """Refuse a protocol that its name does not say in full, before it is sent to peers who have only that.

    Raises:
        UsageError: it is not one of ours, or holds what no name can carry, such as a function.
    """
    if isinstance(protocol, Sealed | TwoFirst):
        check_spelled(protocol.protocol)
        return
    if PROTOCOLS.get(title_of(protocol)) is not type(protocol):
        raise UsageError(
            f"protocol {title_of(protocol)!r} is known to this program only: peers on other machines get its name. "
            f"Choose one of {', '.join(sorted(PROTOCOLS))}"
        )
    text = spelled(protocol)
    again = by_name(text[0])
    for field in fields(cast("Any", protocol)):
        if field.name in ("topology", "decide") or not field.compare:
            continue
        if getattr(again, field.name) != getattr(protocol, field.name):
            raise UsageError(
                f"{field.name} of protocol {title_of(protocol)!r} is something that no name can carry, and peers on "
                f"other machines get its name only: leave it out, or give a number or a word"
            )
    for name, read in ((text[1], topologies.by_name), (text[2], rule_by_name)):
        if name:
            read(name)


def _with_parameters(thing: Any) -> str:
    """Return a thing's name, with those of its numbers and words that are not its own."""
    name = title_of(thing)
    if not is_dataclass(thing) or "(" in name:
        return name
    given = [f"{f.name}={_plain(getattr(thing, f.name))}" for f in fields(thing) if _worth_saying(f, thing)]
    return f"{name}({', '.join(given)})" if given else name


def _worth_saying(field: Field[Any], thing: Any) -> bool:
    value = getattr(thing, field.name)
    if not (field.init and field.compare and isinstance(value, (int, float, str))):
        return False
    return field.default is MISSING or value != field.default


def _plain(value: float | str) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)
