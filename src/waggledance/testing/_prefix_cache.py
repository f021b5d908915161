"""A cost model of model calls on servers that keep prompts' beginnings: a trie, least recently used out first.

A call costs the tokens of its prompt that the cache does not hold, and `DECODE` for each token of its answer. One
character stands for one token. Source: the objective of Halo (arXiv:2509.02121), prefill not cached * c_p + answer *
c_d, for one worker and without batching; sizes as our own study of it used them.
"""

from collections import OrderedDict
from collections.abc import Iterable
from itertools import accumulate

from blake3 import blake3

from waggledance.core import UsageError

DOCUMENT, ROLE, QUESTION, ANSWER = 2_000, 400, 60, 120  # tokens
DECODE = 8  # a token of an answer costs as much as so many of a prompt
BLOCK = 20  # tokens kept or forgotten together; divides all of the above


class PrefixCache:
    """A server's cache of prompts' beginnings.

    Args:
        tokens: how many it holds, at least 0.

    Raises:
        UsageError: `tokens` is negative.
    """

    def __init__(self, tokens: int) -> None:
        if tokens < 0:
            raise UsageError(f"a cache holds 0 tokens or more, got {tokens}")
        self._blocks, self._held = tokens // BLOCK, OrderedDict[bytes, None]()

    def cost(self, text: str) -> int:
        """Return what one call costs, in prompt tokens, and keep its prompt."""
        blocks = [text[at : at + BLOCK].encode() for at in range(0, len(text), BLOCK)]
        chain = list(accumulate(blocks, lambda before, block: blake3(before + block).digest(), initial=b""))[1:]
        known = next((number for number, block in enumerate(chain) if block not in self._held), len(chain))
        for block in reversed(chain):
            self._held[block] = None
            self._held.move_to_end(block)
        while len(self._held) > self._blocks:
            self._held.popitem(last=False)
        return BLOCK * (len(chain) - known) + DECODE * ANSWER


def prefill_and_decode(texts: Iterable[str], *, cache_tokens: int) -> int:
    """Return what calls cost in this order on one server, in prompt tokens.

    >>> one, two = document_queries(1, 1)[0][0], document_queries(2, 1)[1][0]
    >>> prefill_and_decode([one, two], cache_tokens=0), prefill_and_decode([one, two], cache_tokens=3_000)
    (6840, 4440)
    """
    cache = PrefixCache(cache_tokens)
    return sum(cache.cost(text) for text in texts)


def document_queries(
    queries: int, documents: int, *, repeats: int = 0, document_first: bool = False
) -> tuple[tuple[str, ...], ...]:
    """Return the prompts of three roles for each query; a later role also reads what the earlier ones said.

    Args:
        queries: how many.
        documents: how many documents they are about, in turn.
        repeats: how many of the last queries ask what earlier ones asked; at most half of all.
        document_first: whether the document stands before the role's text.

    Raises:
        UsageError: there is no document, or more repeats than queries to repeat.
    """
    if documents < 1 or not 0 <= repeats <= queries // 2:
        raise UsageError(
            f"queries need a document, and at most half may repeat others; got {queries} queries, "
            f"{documents} documents, {repeats} repeats"
        )

    def prompts(query: int) -> tuple[str, ...]:
        asked = query - queries // 2 if query >= queries - repeats else query
        document, question = _filled(f"document {asked % documents}", DOCUMENT), _filled(f"question {asked}", QUESTION)
        roles = [_filled(f"role {role}", ROLE) for role in range(3)]
        said = [_filled(f"answer {query} {role}", ANSWER) for role in range(3)]
        return tuple(
            (document + roles[role] if document_first else roles[role] + document) + question + "".join(said[:role])
            for role in range(3)
        )

    return tuple(prompts(query) for query in range(queries))


def _filled(what: str, tokens: int) -> str:
    return f"{what} ".ljust(tokens, ".")
