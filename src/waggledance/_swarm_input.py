"""What a swarm is made of and asked with, looked at before anything is spent.

Types say most of this to whoever runs a checker. A notebook runs none, so the likeliest slips are refused in words.
"""

from __future__ import annotations

from asyncio import get_running_loop
from collections import Counter
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import cast

from waggledance.core import Budget, Question, UsageError

MAX_WEIGHT = 1e6
MIN_SEED, MAX_SEED = -(2**63), 2**63 - 1


def check_parts(peers: object, network: object, log: object, weights: object, seed: object) -> None:
    """Refuse what no swarm can be made of.

    Raises:
        UsageError: with what was given and what to give instead.
    """
    if not isinstance(peers, Sequence) or isinstance(peers, str | bytes):
        raise UsageError(f"a swarm is given a list of peers, got {peers!r:.80}")
    if not peers:
        raise UsageError("a swarm needs at least one peer, got none")
    for peer in cast("Sequence[object]", peers):
        if not hasattr(peer, "skills") or not isinstance(getattr(peer, "name", None), str):
            raise UsageError(
                f"{peer!r:.80} is no peer: it has no name and skills. A function becomes one with "
                "FunctionPeer(name, function), a model with Agent(name, model)"
            )
    if network is not None and not hasattr(network, "gather"):
        raise UsageError(f"{network!r:.80} is no network: leave it out, or meet a swarm with Swarm.connect(where)")
    if log is not None and not hasattr(log, "append"):
        how = f"open it first: Log({log!r})" if isinstance(log, str | PathLike) else "give a Log"
        raise UsageError(f"{log!r:.80} is no log: {how}")
    if weights is not None and not isinstance(weights, Mapping):
        raise UsageError(f"weights go by the names of peers, as in {{'ada': 2.0}}, got {weights!r:.80}")
    _check_seed(seed)


def check_names(names: Sequence[str], weights: Mapping[str, float]) -> None:
    """Refuse names that stand for two peers, and weights that are out of range or nobody's.

    Raises:
        UsageError: says whose.
    """
    twice = [name for name, n in Counter(names).items() if n > 1]
    if twice:
        raise UsageError(f"{len(twice)} peer name(s) stand for two peers, among them {twice[0]!r}: give each its own")
    for who, weight in weights.items():
        if who not in names:
            raise UsageError(f"a weight is given for {who!r}, who is not among the peers {', '.join(names)}")
        if not 0 <= weight <= MAX_WEIGHT:
            raise UsageError(f"the weight of {who!r} is {weight}; it must lie between 0 and a million")


def check_asked(question: object, options: object, budget: object, seed: object) -> None:
    """Refuse what nobody can be asked with.

    Raises:
        UsageError: with what was given and what to give instead.
    """
    if not isinstance(question, str | Question):
        raise UsageError(f"a question is a text or a Question, got {question!r:.80}")
    if isinstance(options, str):
        raise UsageError(f"options are a list of texts, as in ['Bern', 'Basel'], got the one text {options!r:.80}")
    if not isinstance(budget, Budget | None):
        raise UsageError(f"a budget says of what, as in Budget(calls=20), got {budget!r:.80}")
    if seed is not None:
        _check_seed(seed)


def check_no_loop(instead: str) -> None:
    """Refuse to block an event loop that runs in this thread, as one does in a notebook.

    Raises:
        UsageError: says what to write instead.
    """
    try:
        get_running_loop()
    except RuntimeError:
        return
    raise UsageError(f"an event loop runs here already, as in a notebook or an async function: write `{instead}`")


def _check_seed(seed: object) -> None:
    if not isinstance(seed, int):
        raise UsageError(f"a seed is a whole number, got {seed!r:.80}")
    if not MIN_SEED <= seed <= MAX_SEED:
        raise UsageError(f"a seed lies between -2^63 and 2^63 - 1, so that it fits into a message; got {seed!r:.80}")
