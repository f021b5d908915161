"""For whom a model is asked: what one principal's questions leave in a cache is not found by another's.

How long an answer takes, and how many tokens of its prompt were computed, tells whoever asks whether somebody has asked
the same before. So whoever takes in questions of several people (a door, a member of a mesh) says for whom each is
asked, and caches go by it. Questions that nobody is named for share one account.

Source: prompt caches as a side channel, Gu et al. 2025, "Auditing Prompt Caching in Language Model APIs",
arXiv:2502.07776, who recommend a cache for each user.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from blake3 import blake3

_PRINCIPAL: ContextVar[str] = ContextVar("waggledance_principal", default="")
ACCOUNT_CHARS = 33
"""Of an `account`, whatever the principal is called: none is the beginning of another."""


@contextmanager
def asked_for(principal: str) -> Generator[None]:
    """Let all that is asked of models within be asked for a principal, in tasks that begin there as well.

    Args:
        principal: who it is for: the name of a key, the id of a peer; nobody when empty.

    >>> with asked_for("ada"):
    ...     principal()
    'ada'
    """
    before = _PRINCIPAL.set(principal)
    try:
        yield
    finally:
        _PRINCIPAL.reset(before)


def principal() -> str:
    """Return for whom models are asked here; empty for nobody."""
    return _PRINCIPAL.get()


def account() -> str:
    """Return what stands before all that a cache keeps for the principal: text of always the same length."""
    return f"\x05{blake3(principal().encode('utf-8', 'surrogatepass')).hexdigest(16)}"
