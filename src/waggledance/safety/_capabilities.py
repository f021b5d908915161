"""Rules made of grants: which peer may use which tools, and within which limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, cast

from waggledance.core import UsageError
from waggledance.safety._ruling import Act, Ruling
from waggledance.safety._scrub import HARD, Scrub

_MOST_DEEP = 32


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A right to use some tools, within limits.

    Args:
        tools: a glob over their names.
        uses: how often at most within one answer; any number when None.
        at_most: by argument, the largest number: a larger one is lowered to it.
        only: by argument, a glob: other texts are blocked. An argument that is missing is blocked as well.
        scrubbed: take private details out of every text first.

    Raises:
        UsageError: there is no tool, or a number of uses below 0.
    """

    tools: str
    uses: int | None = None
    at_most: Mapping[str, int] = field(default_factory=dict[str, int])
    only: Mapping[str, str] = field(default_factory=dict[str, str])
    scrubbed: bool = False

    def __post_init__(self) -> None:
        if not self.tools:
            raise UsageError("a grant names tools, such as 'search' or 'read_*'")
        if self.uses is not None and self.uses < 0:
            raise UsageError(f"a tool is used 0 times or more, got {self.uses}")


@dataclass(frozen=True)
class Capabilities:
    """Rules made of grants: what is granted to a peer by its name, or to ``"*"``, is allowed; everything else is not.

    >>> rules = Capabilities({"p0": [Grant(tools="pay", at_most={"euros": 10})]})
    >>> rules(Act("p0", "pay", {"euros": 500}, 1)).arguments
    {'euros': 10}
    >>> rules(Act("p1", "pay", {"euros": 1}, 1)).answer
    'block'
    """

    grants: Mapping[str, Sequence[Grant]]
    scrub: Scrub = HARD

    def __call__(self, act: Act, /) -> Ruling:
        """Rule on an act by the first grant that fits the tool: the peer's own before everybody's."""
        for grant in (*self.grants.get(act.peer, ()), *self.grants.get("*", ())):
            if fnmatchcase(act.tool, grant.tools):
                return self._within(grant, act)
        return Ruling("block", why=f"{act.tool} was not granted to {act.peer}")

    def _within(self, grant: Grant, act: Act) -> Ruling:
        if grant.uses is not None and act.number > grant.uses:
            return Ruling("block", why=f"{act.peer} may use {act.tool} {grant.uses} times in one answer")
        for name, glob in grant.only.items():
            value = act.arguments.get(name)
            if not (isinstance(value, str) and ".." not in value and fnmatchcase(value, glob)):
                return Ruling("block", why=f"{name} must be like {glob!r}, got {value!r:.80}")
        arguments, changes = dict(act.arguments), list[str]()
        for name, most in grant.at_most.items():
            if name not in arguments:
                continue
            value = arguments[name]
            if not isinstance(value, int | float) or isinstance(value, bool) or value != value:
                return Ruling("block", why=f"{name} must be a number, at most {most}, got {value!r:.80}")
            if value > most:
                arguments[name] = most
                changes.append(f"{name} lowered from {value!r:.40} to {most}")
        if grant.scrubbed:
            for name, value in arguments.items():
                cleaned, kinds = _cleaned(value, self.scrub)
                if kinds:
                    arguments[name] = cleaned
                    changes.append(f"{', '.join(sorted(kinds))} taken out of {name}")
        return Ruling("rewrite", arguments, "; ".join(changes)) if changes else Ruling("allow", arguments)


def _cleaned(value: Any, scrub: Scrub, deep: int = 0) -> tuple[Any, set[str]]:
    """Return a value of JSON with the details taken out of its texts, and what kinds of them there were."""
    if isinstance(value, str):
        cleaned = scrub.clean(value)
        return cleaned.text, {span.kind for span in cleaned.spans}
    if deep >= _MOST_DEEP or not isinstance(value, list | dict):
        return value, set()
    kinds: set[str] = set()

    def inside(one: Any) -> Any:
        cleaned, found = _cleaned(one, scrub, deep + 1)
        kinds.update(found)
        return cleaned

    if isinstance(value, list):
        return [inside(one) for one in cast("list[object]", value)], kinds
    return {key: inside(one) for key, one in cast("dict[str, Any]", value).items()}, kinds
