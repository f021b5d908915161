"""Reading: what fits into a budget of tokens, chosen alike by everybody and fair to every answer.

Peers use different models, so no tokenizer counts for all. A text is taken to have one token for every four bytes of
UTF-8, rounded up: what English and code come to on average. Texts in other scripts take more bytes a letter, and more
tokens; digits and rare words are counted too low. It is a measure that all share, not a bill.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
from blake3 import blake3

from waggledance.core import Message, PeerId, Proposal

BYTES_A_TOKEN = 4

CUT = " […]"
"""What a text ends with that was cut to fit."""


def tokens(text: str) -> int:
    """Return how many tokens a text counts as.

    >>> tokens(""), tokens("42"), tokens("Bees dance.")
    (0, 1, 3)
    """
    return -(-(len(text) if text.isascii() else len(text.encode())) // BYTES_A_TOKEN)


def tokens_read(heard: Iterable[Message[Proposal]]) -> int:
    """Return how many tokens it takes to read proposals: their answers and their texts."""
    return sum(tokens(m.body.key or "") + tokens(m.body.text) for m in heard)


def cut(text: str, budget_tokens: int) -> str:
    """Return a text that fits: the whole, or its beginning with a mark; nothing where not even one word fits.

    >>> cut("Scouts look for a hollow tree.", 5)
    'Scouts look […]'
    """
    if tokens(text) <= budget_tokens:
        return text
    room = BYTES_A_TOKEN * budget_tokens - len(CUT.encode())
    if room <= 0:
        return ""
    start = text.encode()[:room].decode(errors="ignore")
    if not text[len(start)].isspace():
        start = start[: max(map(start.rfind, " \n\t"))] if any(space in start for space in " \n\t") else ""
    start = start.rstrip()
    return start + CUT if start else ""


def within(
    proposals: Sequence[Message[Proposal]], budget_tokens: int, *, me: PeerId, round: int, seed: int
) -> tuple[Message[Proposal], ...]:
    """Return what of these proposals a listener reads within a budget.

    Their order is drawn from the seed, anew for each listener and round, one proposal of every answer before a second
    of any. In this order answers enter as long as there is room for them, then texts that fit whole; the first that
    did not is cut to what is left. An answer is never cut: a proposal whose answer does not fit is left out, and one
    whose text does not fit says its answer alone.

    Returns:
        Proposals that take `budget_tokens` or less to read, sorted by id; ids are those of the whole messages.
    """
    left = budget_tokens
    entered: list[Message[Proposal]] = []
    for message in _turns(proposals, me, round, seed):
        key = tokens(message.body.key or "")
        if key <= left:
            left -= key
            entered.append(message)
    texts: dict[int, str] = {}
    for place, message in enumerate(entered):
        size = tokens(message.body.text)
        if size <= left:
            left -= size
            texts[place] = message.body.text
    for place, message in enumerate(entered):
        if place not in texts:
            texts[place] = cut(message.body.text, left)
            left = 0
    return tuple(sorted(saying(message, texts[place]) for place, message in enumerate(entered)))


def saying(message: Message[Proposal], text: str) -> Message[Proposal]:
    """Return a proposal as it is read, with another text; it keeps its id, which names the whole."""
    if text == message.body.text:
        return message
    return msgspec.structs.replace(message, body=msgspec.structs.replace(message.body, text=text))


def drawn(id: bytes, *, me: PeerId, round: int, seed: int) -> bytes:
    """Return what a listener's draws of a round order things by; it favours no peer and no listener."""
    return blake3(b"waggle/reading/1\0%d\0%d\0%b%b" % (seed, round, me, id)).digest()


def _turns(proposals: Sequence[Message[Proposal]], me: PeerId, round: int, seed: int) -> list[Message[Proposal]]:
    """Return proposals in their drawn order, one of every answer before a second of any."""
    order = sorted(proposals, key=lambda m: drawn(m.id, me=me, round=round, seed=seed))
    seen: Counter[str | None] = Counter()
    turns: list[tuple[int, int]] = []
    for place, message in enumerate(order):
        turns.append((seen[message.body.key], place))
        seen[message.body.key] += 1
    return [order[place] for _, place in sorted(turns)]
