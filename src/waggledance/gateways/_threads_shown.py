"""What an agent was shown of its threads: what it says builds on that, and what it waits for is not among it."""

from __future__ import annotations

from collections.abc import Iterable

from waggledance.core import Channel, MessageId, PeerId, past_of
from waggledance.gateways._threads_filter import by_id, maximal
from waggledance.gateways._threads_fold import Folds


class Shown:
    """One agent's memory of what it was shown, by channel.

    Args:
        me: whose.
        folds: the threads that the channels hold.
    """

    def __init__(self, me: PeerId, folds: Folds) -> None:
        self._me, self._folds = me, folds
        self._ids: dict[str, set[MessageId]] = {}

    def of(self, copy: Channel) -> set[MessageId]:
        """Return what was shown of a channel; in an earlier life, as far as something was built on it."""
        ids = self._ids.get(copy.name)
        if ids is None:
            head = copy.head(self._me)
            before = frozenset[MessageId]() if head is None else past_of(head.id, by_id(copy))
            ids = self._ids[copy.name] = {self._folds.of(copy).opening.id} | before
        return ids

    def add(self, copy: Channel, ids: Iterable[MessageId]) -> None:
        """Note that messages of a channel were shown."""
        self.of(copy).update(ids)

    def newest(self, copy: Channel) -> tuple[MessageId, ...]:
        """Return those that were shown and that no other such message builds on, sorted."""
        return maximal(self.of(copy), by_id(copy))
