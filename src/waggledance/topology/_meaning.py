"""How near texts are in meaning: static word vectors where the extra ``discovery`` is installed, wording elsewhere.

WordLlama is a table of 32,000 token vectors, distilled from a large model's; a text is the mean of its tokens' vectors.
Its wheel holds table and tokenizer, and both are read from there, directly: importing the package would configure the
program's logging and bring in an HTTP client that its loader uses to download what it looks for in the wrong folder.
Read so, nothing is downloaded, and the vectors are the package's own to 1e-7.

Source: Miller 2024, WordLlama (github.com/dleemiller/WordLlama), model ``l2_supercat`` at 256 dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, cast

from waggledance.core import UNIT, RunFailed, UsageError, with_extra

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

    from waggledance.topology._points import Embed

SIMILARITY_STEPS = 1_024
"""Similarities are whole numbers of 1/1024: processors differ in the last bits of a product."""
MAX_EMBEDDED_CHARS = 8_000
"""What comes after that is not read: a need or a record that is longer gains nothing by it."""


def by_meaning() -> Embed:
    """Return how texts become vectors here: `word_llama` if it is installed, else `hashed_ngrams`."""
    from waggledance.topology._embedding import hashed_ngrams

    return hashed_ngrams if find_spec("wordllama") is None else word_llama


def word_llama(texts: Sequence[str]) -> NDArray[np.float64]:
    """Embed texts by the mean of their tokens' vectors; see the file's top. About 0.03 ms a short text.

    Returns:
        Shape (texts, 256), every row of length 1. A text without a token is a point of its own.

    Raises:
        UsageError: one text instead of a sequence of them.
        RunFailed: the package is not installed, or its files are not where version 0.4.0.post1 has them.
    """
    import numpy as np

    if isinstance(texts, str):
        raise UsageError("word_llama() takes a sequence of texts, got one text; write [text]")
    tokenizer, table = _word_llama()
    points = np.zeros((len(texts), table.shape[1]))
    for i, text in enumerate(texts):
        ids = tokenizer.encode(text.encode(errors="replace").decode(), add_special_tokens=False).ids
        if ids:
            points[i] = table[np.minimum(ids, len(table) - 1)].astype(np.float64).mean(axis=0)
        length = float(np.linalg.norm(points[i]))
        if length == 0:
            points[i, 0] = length = 1.0
        points[i] /= length
    return points


def similarities_to(text: str, others: Sequence[str], embed: Embed) -> tuple[int, ...]:
    """Return how near each of `others` is to `text`, 0 to 1,024; what points away counts as 0.

    Vectors are taken in whole parts per million before they are multiplied, so that sums do not depend on the machine.

    Raises:
        UsageError: `embed` gave vectors of another number, without direction, or with values that are not finite.
    """
    one = _vector(embed, text[:MAX_EMBEDDED_CHARS])
    rows = (_vector(embed, other[:MAX_EMBEDDED_CHARS]) for other in others)
    return tuple(max(0, (int(one @ row) * SIMILARITY_STEPS * 2 + UNIT**2) // (2 * UNIT**2)) for row in rows)


@lru_cache(maxsize=2_048)
def _vector(embed: Embed, text: str) -> NDArray[np.int64]:
    """Return a text's vector in parts per million, remembered: records are compared with many needs."""
    from waggledance.topology._points import unit_vectors

    row: NDArray[np.int64] = unit_vectors(embed([text]), 1)[0]
    return row


@cache
def _word_llama() -> tuple[Tokenizer, NDArray[np.float16]]:
    """Return the tokenizer and the table, shape (32,000, 256)."""
    spec = find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise RunFailed(with_extra("word vectors need the package wordllama", "discovery"))
    from safetensors import safe_open
    from tokenizers import Tokenizer

    home = Path(spec.origin).parent
    words, weights = (
        home / "tokenizers/l2_supercat_tokenizer_config.json",
        home / "weights/l2_supercat_256.safetensors",
    )
    for file in (words, weights):
        if not file.exists():
            raise RunFailed(f"wordllama has no {file.name}: install the version 0.4.0.post1, whose wheel holds it")
    tokenizer = Tokenizer.from_file(str(words))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    with safe_open(weights, framework="np") as opened:  # pyright: ignore[reportUnknownVariableType]
        table = opened.get_tensor("embedding.weight")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return tokenizer, cast("NDArray[np.float16]", table)
