"""Five ways to say most contracts without writing one: functions of Python, and no language of their own.

    every("ask/1").followed_by("answer/1|decline/1", re="of", within=40)
    every("use/1").preceded_by("verdict/1", re="of")
    at_most(1, "vote/1", per=("author", "question", "round"))
    sum_of("tool/1|model.call/1", "cost.calls", per=("task",)).at_most(10)
    each("proposal/1", lambda message, past: None if message.body.text else "an answer without a word")

`contract(name, rule)` gives one its name. Kinds are globs between bars, as in `Contract.scope`; fields are named as in
``"cost.calls"``, or functions of the message. What is missing counts as missing at the asker's outcome and not before:
otherwise slow would look like guilty.

Source: Paduraru, Bouruc, Stefanescu 2026, arXiv:2603.18096 (message-action traces and contracts over them); the
combinators are ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from rpds import HashTrieMap

from waggledance.core import Message, PeerId, UsageError, show
from waggledance.safety._causal_past import CausalPast
from waggledance.safety._contract import in_scope
from waggledance.safety._field import Field, ids_in, key_of, number_in
from waggledance.safety._violation import Violation

AnyMessage = Message[Any]
OUTCOME = "outcome/1"
_EMPTY: HashTrieMap[Any, Any] = HashTrieMap()


@dataclass(frozen=True)
class Rule:
    """What combinators make: a contract, to be given a name by `contract`."""

    scope: str
    name: str = ""

    def start(self) -> Any:
        """Return the state before anything was said."""
        return _EMPTY

    def step(self, state: Any, message: AnyMessage, past: CausalPast) -> Any:
        """Return the state with the message, or a `Violation`."""
        raise NotImplementedError


R = TypeVar("R", bound=Rule)


def contract(name: str, rule: R) -> R:
    """Return a rule under a name.

    Raises:
        UsageError: the name is empty.
    """
    if not name.strip():
        raise UsageError("a contract needs a name, such as 'vote-once'")
    return replace(rule, name=name)


# -- every … followed by, preceded by -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Every:
    """The messages of some kinds, to be said something of."""

    kinds: str

    def followed_by(
        self, kinds: str, *, re: Field | None = None, per: tuple[Field, ...] = (), within: int | None = None
    ) -> FollowedBy:
        """Require that each is answered.

        Args:
            kinds: of the answers.
            re: the field of the answer that names what it answers by its id.
            per: without `re`: the fields in which the two are alike.
            within: by how much later, in logical time, an answer may come; judged when it comes.
        """
        _check_link(re, per)
        return FollowedBy(f"{self.kinds}|{kinds}|{OUTCOME}", "", self.kinds, kinds, re, per, within)

    def preceded_by(self, kinds: str, *, re: Field | None = None, per: tuple[Field, ...] = ()) -> PrecededBy:
        """Require that its author had seen one of other kinds before.

        Args:
            kinds: of what comes before.
            re: the field that names, by their ids, what must have been seen; each of them.
            per: without `re`: the fields in which the two are alike; any one will do when empty.
        """
        if re is not None and per:
            raise UsageError("give either re=..., the field with the ids, or per=..., fields that are alike")
        return PrecededBy(f"{self.kinds}|{kinds}", "", self.kinds, kinds, re, per)


def every(kinds: str) -> Every:
    """Begin a rule about every message of these kinds."""
    return Every(kinds)


@dataclass(frozen=True)
class FollowedBy(Rule):
    """Each of some kinds is answered before the end. The state holds what is open."""

    asks: str = ""
    answers: str = ""
    re: Field | None = None
    per: tuple[Field, ...] = ()
    within: int | None = None

    def step(self, state: Any, message: AnyMessage, past: CausalPast) -> Any:
        """Close what the message answers, open what it asks; at the outcome nothing may be open."""
        kind, channel = message.kind, message.channel
        if in_scope(self.answers, kind, channel):
            keys = [(id,) for id in ids_in(message, self.re)] if self.re is not None else [key_of(message, self.per)]
            for key in keys:
                asked = state.get(key)
                if asked is None:
                    continue
                late = message.lamport - asked[1]
                if self.within is not None and late > self.within:
                    why = f"answers {show(asked[0])} after {late} steps of logical time, {self.within} are allowed"
                    return Violation(why=why, involved=(asked[0],))
                state = state.remove(key)
        if in_scope(self.asks, kind, channel):
            key = (message.id,) if self.re is not None else key_of(message, self.per)
            state = state.insert(key, (message.id, message.lamport, message.author))
        if kind == OUTCOME and past.sealed and len(state):
            open_ = sorted(state.values())
            why = f"{len(open_)} of {self.asks} had no {self.answers} at the end, among them {show(open_[0][0])}"
            return Violation(why=why, involved=tuple(id for id, *_ in open_[:_MOST_NAMED]))
        return state


@dataclass(frozen=True)
class PrecededBy(Rule):
    """Whoever says some kinds had seen another before. The state holds which were seen."""

    those: str = ""
    before: str = ""
    re: Field | None = None
    per: tuple[Field, ...] = ()

    def step(self, state: Any, message: AnyMessage, past: CausalPast) -> Any:
        """Note what can come before; refuse what it does not come before."""
        kind, channel = message.kind, message.channel
        if in_scope(self.those, kind, channel):
            if self.re is not None:
                for id in ids_in(message, self.re):
                    seen = past.get(id)
                    if seen is None or not in_scope(self.before, seen.kind, channel):
                        return Violation(why=f"names {show(id)}, and had seen no {self.before} of that id")
            elif state.get(key_of(message, self.per)) is None:
                return Violation(why=f"had seen no {self.before} before")
        if self.re is None and in_scope(self.before, kind, channel):
            state = state.insert(key_of(message, self.per), message.id)
        return state


# -- at most, sum of, each -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AtMost(Rule):
    """No more than so many that are alike in some fields, of all that an author had seen; see `Counts`."""

    most: int = 1
    per: tuple[Field, ...] = ()

    def start(self) -> None:
        """Return nothing: the past says which are alike."""

    def alike(self, message: AnyMessage) -> tuple[Any, ...]:
        """Return the fields in which messages are alike that are counted together."""
        return key_of(message, self.per)

    def step(self, state: None, message: AnyMessage, past: CausalPast) -> Violation | None:
        """Count those before the message."""
        before = past.alike(self, self.alike(message))
        if len(before) < self.most:
            return None
        return self.too_many(message, len(before) + 1, before[0] if before else message)

    def too_many(self, message: AnyMessage, number: int, first: AnyMessage) -> Violation:
        """Say of which there are too many."""
        alike = f" with this {' and '.join(str(field) for field in self.per)}" if self.per else ""
        by = message.author if "author" in self.per else PeerId(b"")
        return Violation(why=f"number {number} of {message.kind}{alike}, {self.most} allowed",
                         involved=(first.id,), by=by)  # fmt: skip


def at_most(most: int, kinds: str, *, per: tuple[Field, ...] = ()) -> AtMost:
    """Allow so many messages of some kinds: of each author, in each round, whatever `per` names; 0 forbids them.

    Raises:
        UsageError: the number is negative.
    """
    if most < 0:
        raise UsageError(f"at most {most} makes no sense; give 0 or more")
    return AtMost(kinds, "", most, per)


@dataclass(frozen=True)
class SumOf:
    """A number in the messages of some kinds, added up."""

    kinds: str
    field: Field
    per: tuple[Field, ...] = ()

    def at_most(self, most: int | None = None, *, field: Field | None = None) -> SumAtMost:
        """Allow the sum to come to so much, or to what a field of the message says.

        Raises:
            UsageError: both or neither is given.
        """
        if (most is None) == (field is None):
            raise UsageError("a sum is at most a number, or at most what a field says: give one of the two")
        return SumAtMost(self.kinds, "", self.field, self.per, most, field)


def sum_of(kinds: str, field: Field, *, per: tuple[Field, ...] = ()) -> SumOf:
    """Begin a rule about the sum of a number over messages of some kinds that are alike in the fields of `per`."""
    return SumOf(kinds, field, per)


@dataclass(frozen=True)
class SumAtMost(Rule):
    """A sum stays within a limit. The state holds the sums."""

    field: Field = ""
    per: tuple[Field, ...] = ()
    most: int | None = None
    limit: Field | None = None

    def step(self, state: Any, message: AnyMessage, past: CausalPast) -> Any:
        """Add what the message says."""
        key = key_of(message, self.per)
        total = state.get(key, 0) + number_in(message, self.field)
        most = self.most if self.limit is None else number_in(message, self.limit)
        if most is not None and total > most:
            return Violation(why=f"brings {_named(self.field)} to {total:,}, {most:,} allowed")
        return state.insert(key, total)


@dataclass(frozen=True)
class Each(Rule):
    """Every message of some kinds passes a test of its own. There is no state."""

    test: Callable[[AnyMessage, CausalPast], str | None] | None = None

    def step(self, state: Any, message: AnyMessage, past: CausalPast) -> Any:
        """Test the message."""
        why = self.test(message, past) if self.test is not None else None
        return state if why is None else Violation(why=why)


def each(kinds: str, test: Callable[[AnyMessage, CausalPast], str | None]) -> Each:
    """Require that every message of some kinds passes a test, which returns what is wrong, or None."""
    return Each(kinds, "", test)


_MOST_NAMED = 20


def _check_link(re: Field | None, per: tuple[Field, ...]) -> None:
    if (re is None) == (not per):
        raise UsageError("give either re=..., the field that names the other's id, or per=..., fields that are alike")


def _named(field: Field) -> str:
    return field if isinstance(field, str) else "the sum"
