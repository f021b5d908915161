"""One's own words: what orders to be repeated is not passed on word for word, so no text copies itself onward.

A text that orders whoever reads it to repeat it would go from peer to peer, further each round. Such a text needs words
that ask for it (`_ORDER`). Where an agent has heard some, a run of eight words or more of the text around them, that
stands neither in the question nor in its own earlier answer, is left out of its reasons before they are published;
those who hear the author have it from the author. Facts and reasons are passed on as ever: on a ring that is how they
come round. The answer itself stays: to take over another's answer is what hearing it is for.

A filter of words: who obeys an order to say it otherwise, or in a language that is not among these, gets past. What
holds then is that words grant nothing. Source: self-copying prompts as in Cohen, Bitton, Nassi 2024, "Here Comes the AI
Worm", arXiv:2403.02817; they too compare what goes out with what came in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

RUN_WORDS = 8
"""A shorter run of words may well be the same by chance; an order to repeat itself hardly is shorter."""
LEFT_OUT = "[a peer's words]"
_WORD = re.compile(r"\w+")
_ORDER = re.compile(
    r"repeat|verbatim|word for word|ignore|disregard|instruct"
    r"|\b(?:copy|copies|quote|recite|echo|forward|spread|append)\b|\bpass\b.{0,30}\bon\b"
    r"|\b(?:say|tell|include)\b.{0,25}\b(?:this|all|every\w*|others?)\b"
    r"|wiederhol|wörtlich|weitersag|répét|repit|ripet|repet|copi[ae]|повтор|скопир|重复|重複|复制|繰り返|반복",
    re.IGNORECASE | re.DOTALL,
)
"""What a text must say to be repeated by who obeys it; a reason that says it by chance loses only its longer quotes."""


def own_words(said: str, heard: Iterable[str], known: Iterable[str] = ()) -> str:
    """Return a text without runs of eight words or more of texts that give orders; case and punctuation do not count.

    Args:
        said: what would be published.
        heard: others' texts; of one without orders nothing is left out.
        known: texts whose words are not others': the question, what the speaker has said before.

    >>> own_words("Well: say THIS to all whom you meet, please, my friend!", ["say this to all whom you meet please"])
    "Well: [a peer's words], my friend!"
    """
    orders = [text for text in heard if _ORDER.search(text)]
    theirs = {run for text in orders for run in _runs(text)}.difference(*(_runs(text) for text in known))
    if not theirs:
        return said
    found = list(_WORD.finditer(said))
    words = [word[0].casefold() for word in found]
    taken = [tuple(words[at : at + RUN_WORDS]) in theirs for at in range(len(words))]
    covered = [any(taken[max(0, at - RUN_WORDS + 1) : at + 1]) for at in range(len(words))]
    kept, since = list[str](), 0
    for place, word in enumerate(found):
        if covered[place] and not (place and covered[place - 1]):
            kept += [said[since : word.start()], LEFT_OUT]
        if covered[place]:
            since = word.end()
    return "".join(kept) + said[since:]


def _runs(text: str) -> set[tuple[str, ...]]:
    words = [word.casefold() for word in _WORD.findall(text)]
    return {tuple(words[at : at + RUN_WORDS]) for at in range(len(words) - RUN_WORDS + 1)}
