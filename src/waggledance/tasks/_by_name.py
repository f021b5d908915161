"""Making a thing from its name with parameters, such as ``"type-ucb(keep_ppm=990000)"``: how routers and planners are
spelled in recipes, in logs and at the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, TypeVar

from waggledance.core import UnknownName, UsageError

T = TypeVar("T")


def made_by_name(text: str, what: str, makers: Mapping[str, Callable[..., T]], example: str) -> T:
    """Make a thing from its name, with parameters that are whole numbers, or 0 and 1 for no and yes.

    Args:
        text: the name, with parameters in brackets that are not the thing's own.
        what: what it is called in complaints, such as ``"router"``.
        makers: what makes each, by name; the parameters that a text may give are those whose default is a number.
        example: a text that can be read, for complaints.

    Raises:
        UnknownName: there is no such thing, or it has no such parameter; says the nearest.
        UsageError: the text cannot be read, or a number is outside its range.
    """
    match = re.fullmatch(r"\s*([^()]+?)\s*(?:\((.*)\))?\s*", text)
    if match is None:
        raise UsageError(f"a {what} is a name with parameters, such as {example!r}, got {text!r:.120}")
    name = match[1]
    make = makers.get(name)
    if make is None:
        raise UnknownName(what, name, makers)
    known = {p.name: p.default for p in signature(make).parameters.values() if isinstance(p.default, int)}
    given: dict[str, Any] = {}
    for part in filter(str.strip, (match[2] or "").split(",")):
        parameter, equals, value = (piece.strip() for piece in part.partition("="))
        if parameter not in known:
            raise UnknownName(f"parameter of {what} {name!r}", parameter, known)
        if not equals or re.fullmatch(r"-?[0-9]{1,18}", value) is None:
            raise UsageError(f"{parameter} of {what} {name!r} is a whole number, got {value!r:.40}")
        given[parameter] = type(known[parameter])(int(value))
    return make(**given)
