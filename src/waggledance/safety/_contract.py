"""A contract: what must hold of a channel, as a fold that sees no more of each message than its author did."""

from __future__ import annotations

from collections.abc import Hashable
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

from waggledance.core import Message, UnknownName, UsageError
from waggledance.safety._causal_past import CausalPast
from waggledance.safety._violation import Violation

AnyMessage = Message[Any]


class Contract(Protocol):
    """What must hold of every channel.

    `step` is given the state that the message's causal past comes to, and the message; it returns the state with the
    message in it, or a `Violation`. States are values: a step makes a new one and changes none, as one state may be
    gone on from by several messages that do not know of each other. Steps are pure: no model, no clock, no luck.

    A past that has parts which did not know of each other is folded in one order for all: first what the largest part
    comes to (of equals that of the larger id), then the other messages, causes before effects, ties by id.
    """

    @property
    def name(self) -> str:
        """What it is called in verdicts."""
        ...

    @property
    def scope(self) -> str:
        """Kinds it looks at, as globs between bars, and in which channels: ``"proposal/*|note/1 in q*"``, ``"*"``."""
        ...

    def start(self) -> Any:
        """Return the state before anything was said; None by a contract that has none, and needs the past alone."""
        ...

    def step(self, state: Any, message: AnyMessage, past: CausalPast) -> Any:
        """Return the state with the message, or a `Violation`."""
        ...


@runtime_checkable
class JudgesForks(Contract, Protocol):
    """A contract that also judges two messages by one author with one number, neither of which knows of the other."""

    def fork(self, first: AnyMessage, second: AnyMessage) -> Violation:
        """Return what the second one breaks; the first is the one that sorts first."""
        ...


@runtime_checkable
class Counts(Contract, Protocol):
    """A contract without a state, by which only so many of the messages that somebody had seen may be alike."""

    @property
    def most(self) -> int:
        """How many."""
        ...

    def alike(self, message: AnyMessage) -> Hashable:
        """Return what a message in scope has in common with those that it is counted with."""
        ...

    def too_many(self, message: AnyMessage, number: int, first: AnyMessage) -> Violation:
        """Return what a message breaks that is one too many; the first of them sorts first."""
        ...


@lru_cache(maxsize=4096)
def in_scope(scope: str, kind: str, channel: str) -> bool:
    """Say whether a contract of this scope looks at messages of a kind in a channel.

    >>> in_scope("proposal/*|note/1 in q*", "note/1", "q7-abc"), in_scope("note/1", "note/2", "q7-abc")
    (True, False)
    """
    kinds, _, channels = scope.partition(" in ")
    return any(fnmatchcase(kind, glob) for glob in kinds.split("|")) and (
        not channels or any(fnmatchcase(channel, glob) for glob in channels.split("|"))
    )


def check_contract(contract: Contract) -> None:
    """Refuse what is no contract.

    Raises:
        UsageError: it lacks a name, a scope, or a method.
    """
    for method in ("start", "step"):
        if not callable(getattr(contract, method, None)):
            raise UsageError(f"{contract!r:.80} is no contract: it has no {method}(); see safety.Contract")
    for text in ("name", "scope"):
        if not (isinstance(getattr(contract, text, None), str) and getattr(contract, text)):
            how = "give it one with contract('its name', …)" if hasattr(contract, "name") else "see safety.Contract"
            raise UsageError(f"{contract!r:.80} is no contract: it has no {text}; {how}")


def check_names(contracts: tuple[Contract, ...]) -> None:
    """Refuse contracts of which two have one name.

    Raises:
        UsageError: two do, or one is no contract.
    """
    seen: set[str] = set()
    for contract in contracts:
        check_contract(contract)
        if contract.name in seen:
            raise UsageError(f"two contracts are called {contract.name!r}; give each a name of its own")
        seen.add(contract.name)


def find(contracts: tuple[Contract, ...], name: str) -> Contract:
    """Return the contract of a name.

    Raises:
        UnknownName: there is none.
    """
    for contract in contracts:
        if contract.name == name:
            return contract
    raise UnknownName("contract", name, [contract.name for contract in contracts])
