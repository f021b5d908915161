"""What requests to one model have in common: a beginning, which is computed once for those that are sent together."""

from collections.abc import Iterator, Sequence

from waggledance.core._turn import Turn
from waggledance.models._model import Request

WORTH_SHARING = 400
"""Characters. Shared beginnings shorter than this, about 100 tokens, cost less to compute than to share."""
_TAIL = 16  # characters: of an exact repeat at least so much is computed again, never a batch of one


def flat(request: Request) -> str:
    """A request in one string, so that a common beginning can be found; roles are marked off by control characters.

    Templates write tools first, so what differs in tools has no common beginning.
    """
    tools = f"\x04{request.tools!r}" if request.tools else ""
    return tools + "".join(f"\x02{turn.role}\x03{turn.text}{turn.calls or ''}" for turn in request.turns)


def answered(said: str, text: str) -> str:
    """What a slot has computed after it answered a flat request with that text."""
    return f"{said}\x02assistant\x03{text}"


def is_plain(request: Request) -> bool:
    """Say whether a request is turns of text alone, of which a beginning can be asked by itself."""
    return not (request.tools or any(turn.calls or turn.call for turn in request.turns))


def turns_of(turns: Sequence[Turn], length: int) -> tuple[Turn, ...]:
    """The turns that make about the first `length` characters of a request's `flat`."""
    kept: list[Turn] = []
    for turn in turns:
        room = length - len(turn.role) - 2
        if room <= 0:
            break
        kept.append(Turn(turn.role, turn.text[:room]))
        length = room - len(turn.text)
    return tuple(kept)


def shared(first: str, second: str) -> int:
    """Return how many characters two texts begin with alike.

    >>> shared("the document, question 1", "the document, question 2")
    23
    """
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def begin_alike(flats: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
    """Yield the beginning of requests that share one, and which they are; a request unlike the others by itself.

    The beginning stops short of the shortest request's end, so that something is left of each to compute. A group ends
    before the request that would halve its beginning.
    """
    left = sorted(range(len(flats)), key=lambda index: flats[index])
    while left:
        common, group = flats[left[0]], left[:1]
        for index in left[1:]:
            length = shared(common, flats[index])
            if length < max(WORTH_SHARING, len(common) // 2 if len(group) > 1 else 0):
                break
            common, group = common[:length], [*group, index]
        left = left[len(group) :]
        shortest = min(len(flats[index]) for index in group)
        yield common[: shortest - _TAIL], group
