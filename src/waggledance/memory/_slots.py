"""Slots: a list of what is still unknown, kept together by peers who each see only their own part.

Who plans says which facts are needed (`Slot`), whoever knows one says it with its source (`Fill`), and the list is the
fold of both: slot → values, each with those who gave it. A conflict is shown and not overwritten. A fill without a
source is a guess: it is listed, and closes nothing. Slots may be added at any time, up to twelve.

A fill carries a value and where it is from. Private records stay where they are, and so do their ids, from which short
content can be guessed: `source_mark` says that there is such a record, and tells nobody but its owner which.

Source: Liu et al. 2024, "Autonomous Agents for Collaborative Task under Information Asymmetry" (iAgents, InfoNav),
arXiv:2406.14928; what counts as agreed, and the rule about guesses, are ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec
from blake3 import blake3

from waggledance.core import Body, Message, PeerId, UsageError, well_formed

MAX_SLOTS = 12
MAX_NAME_CHARS = 80
MAX_VALUE_CHARS = 1_000
MAX_SOURCES = 16

_NAME = re.compile(r"\S(?:.{0,78}\S)?")


class Slot(Body, frozen=True, gc=False):
    """A fact that is needed and not known to its author.

    Raises:
        UsageError: the name is empty, longer than 80 characters, not on one line, or not in form NFC.
    """

    kind: ClassVar[str] = "slot/1"
    name: str

    def __post_init__(self) -> None:
        _check_name(self.name)


class Fill(Body, frozen=True, gc=False):
    """What its author knows about a slot.

    Raises:
        UsageError: a name or value is empty, too long or not in form NFC, or a source has not 32 bytes.
    """

    kind: ClassVar[str] = "fill/1"
    slot: str
    value: str
    sources: tuple[bytes, ...] = ()
    """Ids of messages that it rests on, or marks of private records (`source_mark`); a guess without any."""

    def __post_init__(self) -> None:
        _check_name(self.slot)
        if not self.value.strip() or len(self.value) > MAX_VALUE_CHARS or self.value != well_formed(self.value):
            raise UsageError(f"a value has 1 to {MAX_VALUE_CHARS:,} well-formed characters, got {self.value!r:.80}")
        if len(self.sources) > MAX_SOURCES or any(len(source) != 32 for source in self.sources):
            raise UsageError(f"a fill has at most {MAX_SOURCES} sources, ids of 32 bytes each")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What has been said about one slot."""

    values: Mapping[str, tuple[PeerId, ...]]
    """Who gave each value with a source, sorted; values as they were first written by the smallest of their authors."""
    guesses: tuple[str, ...] = ()
    """Values that nobody gave a source for, sorted."""

    @property
    def agreed(self) -> str | None:
        """The value that more peers support than any other; None while there is none, or no single one."""
        most = sorted((len(authors) for authors in self.values.values()), reverse=True)
        if not most or (len(most) > 1 and most[0] == most[1]):
            return None
        return next(value for value, authors in self.values.items() if len(authors) == most[0])

    @property
    def conflicting(self) -> bool:
        """Whether there is more than one value."""
        return len(self.values) > 1


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """The fold over a channel's slots and fills."""

    known: Mapping[str, Known]
    """By slot, in an order that is a hash's."""

    @classmethod
    def of(cls, messages: Iterable[Message[Any]]) -> Slots:
        """Return what messages say, in any order. Of more than twelve slots the earliest count, equals by hash.

        Fills of slots that nobody asked for are passed over. Of one author and slot, the latest fill counts.
        """
        asked: dict[str, tuple[int, bytes]] = {}
        fills: dict[tuple[str, PeerId], Message[Fill]] = {}
        for message in messages:
            body = message.body
            if isinstance(body, Slot):
                place = (message.lamport, blake3(message.id + body.name.encode()).digest())
                asked[body.name] = min(place, asked.get(body.name, place))
            elif isinstance(body, Fill):
                before = fills.get((body.slot, message.author))
                if before is None or before.sequence < message.sequence:
                    fills[body.slot, message.author] = message
        chosen = sorted(asked, key=lambda name: asked[name])[:MAX_SLOTS]
        return cls(known={name: _known([m for (slot, _), m in fills.items() if slot == name]) for name in chosen})

    @property
    def unknown(self) -> tuple[str, ...]:
        """The slots that nothing is agreed about."""
        return tuple(name for name, known in self.known.items() if known.agreed is None)

    @property
    def agreed(self) -> dict[str, str]:
        """The slots that are, with their values."""
        return {name: known.agreed for name, known in self.known.items() if known.agreed is not None}

    @property
    def conflicts(self) -> tuple[str, ...]:
        """The slots with more than one value, agreed or not."""
        return tuple(name for name, known in self.known.items() if known.conflicting)

    @property
    def done(self) -> bool:
        """Whether everything that was asked for is agreed; not while nothing was asked for."""
        return bool(self.known) and not self.unknown


def source_mark(id: bytes, secret: bytes) -> bytes:
    """Return 32 bytes that stand for a private record: a keyed hash, which its owner alone can make or undo.

    Args:
        id: the record's.
        secret: 32 bytes that the owner keeps.

    Raises:
        UsageError: the secret has another length.
    """
    if len(secret) != 32:
        raise UsageError(f"a secret has 32 bytes, got {len(secret)}")
    return blake3(id, key=secret).digest()


def _known(fills: Iterable[Message[Fill]]) -> Known:
    """Fold the fills of one slot; values that differ in capitals or spaces only are one."""
    spelled: dict[str, list[Message[Fill]]] = {}
    guessed: dict[str, str] = {}
    for message in sorted(fills, key=lambda m: m.author):
        plain = " ".join(message.body.value.casefold().split())
        if message.body.sources:
            spelled.setdefault(plain, []).append(message)
        else:
            guessed.setdefault(plain, message.body.value)
    values = {said[0].body.value: tuple(m.author for m in said) for _, said in sorted(spelled.items())}
    return Known(values=values, guesses=tuple(sorted(word for plain, word in guessed.items() if plain not in spelled)))


def _check_name(name: str) -> None:
    if _NAME.fullmatch(name) is None or name != well_formed(name):
        raise UsageError(f"a slot's name is one line of 1 to {MAX_NAME_CHARS} characters, got {name!r:.100}")
