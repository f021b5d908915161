"""What all topologies of this room share: a name that says its parameters, and a check before anything is spent."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from waggledance.core import UsageError


@dataclass(frozen=True)
class Described:
    """A topology whose dataclass fields are its parameters."""

    title: ClassVar[str] = ""

    @property
    def name(self) -> str:
        """The title, with the parameters that differ from their defaults; `by_name` reads back all but functions."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        told = [f"{f.name}={_plain(values[f.name])}" for f in fields(self) if values[f.name] != f.default]
        return f"{self.title}({', '.join(told)})" if told else self.title

    @property
    def plain(self) -> bool:
        """Whether every plan is of whole texts of the last round, so that `speakers` says all there is to know."""
        return False

    def check(self, n: int) -> None:
        """Refuse a number of peers that this topology cannot seat, and say what to do instead.

        Raises:
            UsageError: there is no such arrangement of `n` peers.
        """
        if n < 1:
            raise UsageError(f"topology {self.name!r} needs at least one peer, got {n}")


def _plain(value: object) -> str:
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return value.hex() if isinstance(value, bytes) else str(value)
