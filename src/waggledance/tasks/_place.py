"""Which worker a call goes to: the one that has seen its beginning, unless that one has too much to do already.

Every worker keeps a cache of its own, so calls that begin alike belong on one of them. The beginning that tells calls
apart is the text behind what all of them share (`BEGINNING_CHARS` of it: shorter beginnings cost less to compute than
to care for). Its hash orders the workers (rendezvous hashing: a worker that comes or goes moves only its own share),
and the first in that order with room takes the call:

    room = ceil((1 + slack) * (calls + already there) / workers)

Source: Halo (arXiv:2509.02121) for the affinity; Thaler and Ravishankar 1998, doi:10.1109/90.663936, for the order;
Mirrokni, Thorup, Zadimoghaddam 2018, "Consistent Hashing with Bounded Loads", arXiv:1608.01350, for the room.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from blake3 import blake3

from waggledance.core import UNIT, UsageError
from waggledance.models._beginnings import shared
from waggledance.tasks._consolidate import Call

BEGINNING_CHARS = 400
"""What of a call's text, behind what all share, decides its worker: about 100 tokens."""


def place(
    calls: Sequence[Call],
    workers: Sequence[str],
    *,
    load: Mapping[str, int] | None = None,
    slack_ppm: int = 0,
) -> dict[int, str]:
    """Return the worker of each call, by the call's `arrived`: a function of the set of calls and of workers.

    Args:
        calls: what to place; each `arrived` once.
        workers: their names, at least one, each once.
        load: calls that each worker already has, at least 0.
        slack_ppm: how far above the average a worker may be filled, in millionths, at least 0. With all calls known, 0
            ends soonest; calls that come one by one need some, to follow those that began alike.

    Raises:
        UsageError: no worker, a name or an `arrived` twice, a load below 0 or of a stranger, or a slack below 0.

    >>> texts = [f"{document * 400} question" for document in "abab"]
    >>> calls = [Call(text, text, number) for number, text in enumerate(texts)]
    >>> placed = place(calls, ["here", "there"])
    >>> placed[0] == placed[2], placed[1] == placed[3]
    (True, True)
    """
    taken = _checked(calls, workers, load or {}, slack_ppm)
    total = len(calls) + taken.total()
    room = -(-total * (UNIT + slack_ppm) // (UNIT * len(workers)))
    groups: dict[str, list[Call]] = {}
    common = _common([call.text for call in calls])
    for call in sorted(calls):
        groups.setdefault(call.text[common : common + BEGINNING_CHARS], []).append(call)
    placed: dict[int, str] = {}
    for beginning, group in sorted(groups.items(), key=lambda item: (-len(item[1]), _hash(item[0], ""))):
        order = sorted(workers, key=lambda worker: _hash(beginning, worker))
        for call in group:
            worker = next(worker for worker in order if taken[worker] < room)
            taken[worker] += 1
            placed[call.arrived] = worker
    return placed


def _checked(calls: Sequence[Call], workers: Sequence[str], load: Mapping[str, int], slack_ppm: int) -> Counter[str]:
    """What each worker has, after a look at everything that comes in."""
    if not workers or len(set(workers)) < len(workers):
        raise UsageError(f"calls are placed on at least one worker, each named once, got {list(workers)}")
    if len({call.arrived for call in calls}) < len(calls):
        raise UsageError("two calls say they arrived as the same number; number them apart")
    if strangers := sorted(set(load) - set(workers)):
        raise UsageError(f"a load is told of workers that are not there: {', '.join(strangers)}")
    if slack_ppm < 0 or any(count < 0 for count in load.values()):
        raise UsageError(f"loads and slack_ppm must be at least 0, got {dict(load)} and {slack_ppm}")
    return Counter({worker: load.get(worker, 0) for worker in workers})


def _common(texts: Sequence[str]) -> int:
    """How many characters all texts begin with alike; 0 where there is nothing to tell apart."""
    low, high = min(texts, default=""), max(texts, default="")
    return shared(low, high) if low != high else 0


def _hash(beginning: str, worker: str) -> bytes:
    return blake3(b"waggle/place/1\0%b\0%b" % (beginning.encode(), worker.encode())).digest()
