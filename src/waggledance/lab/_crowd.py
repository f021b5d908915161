"""A crowd: who may sit at the table, task by task. Live peers sit at all of them; recorded ones bring an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from waggledance.core import Peer, UsageError
from waggledance.lab._task import Task


class Crowd(Protocol):
    """Where an arm's peers come from.

    Its `repr` says all that its peers' answers depend on, alike in every process: arms whose crowds have the same one
    share their runs, and a comparison that goes on finds its runs by it.
    """

    @property
    def models(self) -> Mapping[str, str]:
        """Every peer that may sit, by name, and the model that it thinks with: for prices and for reference arms."""
        ...

    def seat(self, task: Task, repeat: int) -> Sequence[Peer]:
        """Return who sits at a task; the same for the same arguments, and the same peers at all tasks of a repeat."""
        ...

    def alone(self, model: str) -> Crowd:
        """Return the crowd of one peer that thinks with this model."""
        ...

    def samples(self, model: str) -> int | None:
        """Return how many independent answers of a model there are to every task; None when there is no end to them."""
        ...


class Seated:
    """The same peers at every task.

    Args:
        peers: who sits; names must differ.
        models: what each peer thinks with, by the peer's name; its own name for those left out.
        described: what else their answers depend on, such as a temperature: runs of a comparison are taken up again
            only by peers of the same names, models and description.

    Raises:
        UsageError: nobody sits, or a model is given for somebody who does not.
    """

    def __init__(self, peers: Sequence[Peer], models: Mapping[str, str] | None = None, *, described: str = "") -> None:
        if not peers:
            raise UsageError("an arm needs at least one peer, got none")
        names = [peer.name for peer in peers]
        strangers = sorted(set(models or {}) - set(names))
        if strangers:
            raise UsageError(f"a model is given for {strangers[0]!r}, who is not among the peers {', '.join(names)}")
        self._peers, self._described = tuple(peers), described
        self.models: Mapping[str, str] = {name: (models or {}).get(name, name) for name in names}

    def __repr__(self) -> str:
        return f"Seated({', '.join(f'{name}: {model}' for name, model in self.models.items())}; {self._described})"

    def seat(self, task: Task, repeat: int) -> Sequence[Peer]:
        return self._peers

    def alone(self, model: str) -> Seated:
        one = next(peer for peer in self._peers if self.models[peer.name] == model)
        return Seated((one,), {one.name: model}, described=self._described)

    def samples(self, model: str) -> int | None:
        return None
