"""Every topology of this room by its name: for the command line, for configuration, and for a log's opening."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import cast

from waggledance.core import PeerId, UnknownName, UsageError
from waggledance.topology._complete import Complete
from waggledance.topology._feedback import Feedback
from waggledance.topology._groups import Groups
from waggledance.topology._k_regular import KRegular
from waggledance.topology._ring import Ring
from waggledance.topology._selforg import SelfOrg
from waggledance.topology._small_world import SmallWorld
from waggledance.topology._star import Star

AnyTopology = Complete | Ring | Star | KRegular | SmallWorld | Groups | SelfOrg | Feedback
Parameter = int | float | str | bytes

TOPOLOGIES: Mapping[str, type[AnyTopology]] = MappingProxyType(
    {kind.title: kind for kind in (Complete, Ring, Star, KRegular, SmallWorld, Groups, SelfOrg, Feedback)}
)
"""Topologies by name; each is made with its own parameters."""


_WORDS: Mapping[str, str] = {"int": "a whole number", "float": "a number"}


def by_name(name: str, **parameters: Parameter) -> AnyTopology:
    """Make a topology from its name, with parameters beside it or in it.

    >>> by_name("ring", neighbours=2) == by_name("ring(neighbours=2)") == Ring(2)
    True

    Raises:
        UnknownName: there is no such topology, or it has no such parameter; says the nearest.
        UsageError: a parameter is out of its range or of another type, or the text cannot be read.
    """
    match = re.fullmatch(r"\s*([^()]+?)\s*(?:\((.*)\))?\s*", name)
    if match is None:
        raise UsageError(f"a topology is a name with parameters, such as 'k-regular(k=8)', got {name!r}")
    kind = TOPOLOGIES.get(match[1])
    if kind is None:
        raise UnknownName("topology", match[1], TOPOLOGIES)
    given = {**_read(match[2] or "", name), **parameters}
    known = {f.name: f for f in fields(kind)}
    for parameter, value in given.items():
        if parameter not in known:
            if not known:
                raise UsageError(f"topology {kind.title!r} takes no parameters, got {parameter!r}")
            raise UnknownName(f"parameter of topology {kind.title!r}", parameter, known)
        wanted, default = str(known[parameter].type).split(" | ")[0], known[parameter].default
        if wanted == "Embed":
            raise UsageError(f"{parameter} of topology {kind.title!r} is a function, which no name can carry: "
                             f"make the topology in Python, as {kind.__name__}({parameter}=…)")  # fmt: skip
        if not _fits(value, wanted):
            such_as = "" if default is None or default == "" else f", such as {default}"
            raise UsageError(
                f"{parameter} of topology {kind.title!r} must be {_WORDS.get(wanted, 'a word')}{such_as}; got {value!r}"
            )
    return cast("Callable[..., AnyTopology]", kind)(**given)


def _fits(value: Parameter, wanted: str) -> bool:
    """Return whether a value is of a parameter's type, as written; a peer's id fits where a word does."""
    match wanted:
        case "int":
            return type(value) is int
        case "float":
            return type(value) in (int, float)
        case _:
            return isinstance(value, (str, bytes))


def _read(text: str, whole: str) -> dict[str, Parameter]:
    """Read ``k=8, rewire=0.1``."""
    given: dict[str, Parameter] = {}
    for part in filter(str.strip, text.split(",")):
        parameter, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not value:
            raise UsageError(f"in {whole!r}, {part.strip()!r} is no parameter: write it as name=value")
        given[parameter] = _value(value)
    return given


def _value(text: str) -> Parameter:
    if re.fullmatch(r"[0-9a-f]{64}", text):
        return PeerId(bytes.fromhex(text))
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            pass
    return text
