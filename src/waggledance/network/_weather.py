"""What the faults make of one leg at one moment: faults by name, made ready to be asked a million times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from waggledance.network._faults import Fault, Partition, Pause, Silent, Slow, SlowLink

_Window = tuple[float, float]


class Weather:
    """The faults of links and senders, by the peers' numbers.

    Args:
        faults: all faults of the run.
        names: the peers' names; a peer's number is its place here.
    """

    def __init__(self, faults: Sequence[Fault], names: Sequence[str]) -> None:
        number = {name: i for i, name in enumerate(names)}
        self._silent: dict[int, list[_Window]] = {}
        self._pauses: dict[int, list[_Window]] = {}
        self._slow: dict[int, list[tuple[_Window, float, float]]] = {}
        self._slow_links: dict[tuple[int, int], list[tuple[_Window, float, float]]] = {}
        self._walls: list[tuple[_Window, frozenset[int], bool, bool]] = []
        for fault in faults:
            match fault:
                case Silent():
                    self._silent.setdefault(number[fault.peer], []).append((fault.from_s, fault.until_s))
                case Pause():
                    window = (fault.at_s, fault.at_s + fault.for_s)
                    self._pauses.setdefault(number[fault.peer], []).append(window)
                case Slow():
                    window = (fault.from_s, fault.until_s)
                    self._slow.setdefault(number[fault.peer], []).append((window, fault.factor, fault.extra_s))
                case SlowLink():
                    window = (fault.from_s, fault.until_s)
                    link = (number[fault.sender], number[fault.receiver])
                    self._slow_links.setdefault(link, []).append((window, fault.factor, fault.extra_s))
                case Partition():
                    inside = frozenset(number[name] for name in fault.peers)
                    out, into = fault.direction != "in", fault.direction != "out"
                    self._walls.append(((fault.from_s, fault.until_s), inside, out, into))
                case _:
                    pass
        self.calm = not (self._silent or self._pauses or self._slow or self._slow_links or self._walls)
        """Nothing here ever touches a leg."""

    def silent(self, sender: int, now: float) -> bool:
        """Say whether a peer sends nothing at a moment."""
        return sender in self._silent and _inside(self._silent[sender], now)

    def awake_at(self, peer: int, now: float) -> float:
        """Return the next moment at which a peer does not stand still: `now`, unless it is paused."""
        windows = self._pauses.get(peer)
        while windows is not None:
            ends = [end for start, end in windows if start <= now < end]
            if not ends:
                break
            now = max(ends)
        return now

    def blocked(self, sender: int, receiver: int, now: float) -> bool:
        """Say whether a partition stands between two peers in this direction."""
        for (start, end), inside, out, into in self._walls:
            if start <= now < end:
                leaves, enters = sender in inside, receiver in inside
                if leaves != enters and (out if leaves else into):
                    return True
        return False

    def delayed(self, sender: int, receiver: int, delay: float, now: float) -> float:
        """Return a leg's delay after slow peers and links have had their say."""
        for (start, end), factor, extra in self._slow.get(sender, ()):
            if start <= now < end:
                delay = delay * factor + extra
        for (start, end), factor, extra in self._slow_links.get((sender, receiver), ()):
            if start <= now < end:
                delay = delay * factor + extra
        return delay


def _inside(windows: Iterable[_Window], now: float) -> bool:
    return any(start <= now < end for start, end in windows)
