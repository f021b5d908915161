"""The twelve contracts that come with the library.

Source: the built-in set is that of the project's card on Paduraru, Bouruc, Stefanescu 2026, arXiv:2603.18096, against
the kinds of messages there are here.
"""

from __future__ import annotations

from collections.abc import Mapping

from waggledance.core import Budget
from waggledance.safety._builtin_exchanges import LOCAL, GrantedTool, ScrubbedBeforeRemote
from waggledance.safety._builtin_form import Schema, SignatureChain
from waggledance.safety._builtin_sources import Cites, NoUseOfRetracted, RepliesToRead
from waggledance.safety._builtin_spend import SpawnLimit, Spend
from waggledance.safety._builtin_votes import Answered, Terminates, vote_once
from waggledance.safety._contract import Contract


def builtin(
    *,
    budget: Budget | None = None,
    grants: Mapping[str, tuple[str, ...]] | None = None,
    local: tuple[str, ...] = LOCAL,
    public: tuple[str, ...] = (),
) -> tuple[Contract, ...]:
    """Return the built-in contracts, each by its name in ``contract.name``.

    Args:
        budget: what the run was allowed, for ``spend``; what its opening says when None.
        grants: which peer may use which tools, for ``granted-tool``; see `GrantedTool`.
        local: which models think on this machine, for ``scrubbed-before-remote``; see `ScrubbedBeforeRemote`.
        public: the channels in which nothing is private.

    >>> [contract.name for contract in builtin()][:3]
    ['schema', 'signature-chain', 'vote-once']
    """
    return (
        Schema(),
        SignatureChain(),
        vote_once(),
        Answered(),
        Terminates(),
        Spend(budget),
        GrantedTool(grants),
        Cites(),
        NoUseOfRetracted(),
        RepliesToRead(),
        SpawnLimit(),
        ScrubbedBeforeRemote(local=local, public=public),
    )
