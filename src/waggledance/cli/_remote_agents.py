"""A2A agents at the table: ``a2a:URL`` where a model could stand, or a table ``[models.NAME]`` of kind ``a2a``."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from waggledance.cli._config import InForce
from waggledance.cli._settings import ModelTable, PeerTable
from waggledance.core import UsageError

if TYPE_CHECKING:
    from waggledance.gateways import A2APeer

PREFIX = "a2a:"
KIND = "a2a"
_OF_AGENTS = ("kind", "base_url", "key_env")


def is_agent(name: str, force: InForce) -> bool:
    """Say whether a name that could be a model's is an A2A agent's.

    >>> is_agent("a2a:https://agent.example", InForce.defaults()), is_agent("embedded", InForce.defaults())
    (True, False)
    """
    table = force.settings.models.get(name)
    return name.startswith(PREFIX) if table is None else table.kind == KIND


def agent_at(row: PeerTable, name: str, force: InForce) -> A2APeer:
    """Return the agent of a name as a peer.

    Raises:
        UsageError: its address or key makes no sense, or it is given what only a language model has.
        RunFailed: the extra ``a2a`` is not installed.
    """
    from waggledance.gateways import A2APeer

    own = [field for field in ("persona", "temperature", "max_tokens") if getattr(row, field) is not None]
    if own:
        raise UsageError(f"{row.name!r} is an A2A agent and has no {own[0]}; leave it out")
    table = force.settings.models.get(name)
    if table is None:
        return A2APeer(row.name, name.removeprefix(PREFIX))
    return A2APeer(row.name, table.base_url or "", key=_key(name, table))


def _key(name: str, table: ModelTable) -> str:
    given = [field for field, value in msgspec.structs.asdict(table).items() if value is not None]
    strange = [field for field in given if field not in _OF_AGENTS]
    if strange:
        raise UsageError(f"{strange[0]} means nothing to A2A agents; they take base_url and key_env")
    if table.base_url is None:
        raise UsageError(f'the A2A agent {name!r} needs its address, as in base_url = "https://agent.example"')
    if table.key_env is None:
        return ""
    if table.key_env not in os.environ:
        raise UsageError(f"the A2A agent {name!r} needs the environment variable {table.key_env}, which is not set")
    return os.environ[table.key_env]
