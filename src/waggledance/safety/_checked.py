"""Contracts checked while a run goes on: a journal that looks at everything it keeps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from waggledance.core import Exchange, Message, UnknownName
from waggledance.safety._compliance import Compliance
from waggledance.safety._contract import Contract
from waggledance.safety._contract_checker import Checker
from waggledance.safety._violation import Violation

if TYPE_CHECKING:
    from waggledance._run import Journal

logger = logging.getLogger(__name__)

CHANNELS_OPEN = 64
"""Of the channels that are checked, those heard of last; of the others what was found is kept, and no more judged."""


class Checked:
    """A journal that checks contracts on each channel, message by message; for ``Swarm(..., log=Checked(log))``.

    Nothing is held up or stopped by a violation: it is told, and what to do about it is for whoever listens.

    Args:
        journal: where messages go on to; nowhere when None.
        contracts: the built-in ones that need no setting when None.
        tell: called with each violation as soon as it can be seen; what it raises is logged, and ends no run.

    Raises:
        UsageError: two contracts have one name.

    >>> from waggledance import Swarm
    >>> from waggledance.peers import FunctionPeer
    >>> journal = Checked()
    >>> peers = [FunctionPeer(f"p{i}", lambda question: "4") for i in range(3)]
    >>> decision = Swarm(peers, log=journal).ask_sync("2 + 2?", expects="number")
    >>> journal.compliance(decision.channel).holds
    True
    """

    def __init__(
        self,
        journal: Journal | None = None,
        contracts: Iterable[Contract] | None = None,
        *,
        tell: Callable[[Violation], None] | None = None,
    ) -> None:
        if contracts is None:
            from waggledance.safety._builtin import builtin

            contracts = builtin()
        self.contracts = tuple(contracts)
        Checker(self.contracts)
        self._journal, self._tell = journal, tell
        self._open: dict[str, Checker] = {}
        self._past: dict[str, Compliance] = {}

    def append(self, message: Message[Any], raw: bytes) -> None:
        """Pass a message on, then check it."""
        if self._journal is not None:
            self._journal.append(message, raw)
        checker = self._checker(message.channel)
        if checker is None:
            return
        for violation in checker.hear(message):
            if self._tell is None:
                logger.warning("channel %s: %s", message.channel, violation)
                continue
            try:
                self._tell(violation)
            except Exception:
                logger.exception("whoever was told of %s has raised", violation)

    def append_exchange(self, exchange: Exchange) -> None:
        """Pass an exchange on where it is kept, and check it with the message that it goes into."""
        keep: Callable[[Exchange], None] | None = getattr(self._journal, "append_exchange", None)
        if keep is not None:
            keep(exchange)
        checker = self._checker(exchange.channel)
        if checker is not None:
            checker.hear_exchange(exchange)

    async def flush(self) -> None:
        """Return when everything taken so far is kept."""
        if self._journal is not None:
            await self._journal.flush()

    def __len__(self) -> int:
        return len(self._open) + len(self._past) if self._journal is None else len(self._journal)

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the channels that were checked."""
        return iter((*self._past, *self._open))

    def __contains__(self, channel: str) -> bool:
        if self._journal is not None:
            return channel in self._journal
        return channel in self._open or channel in self._past

    def compliance(self, channel: str) -> Compliance:
        """Return what can be said of a channel by now.

        Raises:
            UnknownName: nothing was heard of it.
        """
        if channel in self._open:
            return self._open[channel].compliance()
        if channel in self._past:
            return self._past[channel]
        raise UnknownName("channel that was checked", channel, (*self._past, *self._open))

    def _checker(self, channel: str) -> Checker | None:
        """Return who checks a channel; None when so many came after it that it was closed."""
        checker = self._open.pop(channel, None)
        if checker is None:
            if channel in self._past:
                return None
            checker = Checker(self.contracts)
            while len(self._open) >= CHANNELS_OPEN:
                oldest = next(iter(self._open))
                self._past[oldest] = self._open.pop(oldest).compliance()
        self._open[channel] = checker
        return checker
