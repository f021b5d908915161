"""Every name a user can type for a choice, for completion and for nearest names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args


def names_in(room: str) -> tuple[str, ...]:
    """Return a register's names: ``model``, ``weights``, ``protocol``, ``rule``, ``topology``, ``kind of answer``."""
    names: Iterable[str]
    match room:
        case "model":
            from waggledance.models import available

            names = [row.spec for row in available()]
        case "weights":
            from waggledance.models import CATALOGUE

            names = CATALOGUE
        case "protocol":
            from waggledance.protocols import PROTOCOLS, institutions
            from waggledance.tasks import register_protocols

            register_protocols()
            names = (*PROTOCOLS, *(f"institution(spec={name})" for name in institutions()))
        case "rule":
            from waggledance.consensus import RULES

            names = RULES
        case "topology":
            from waggledance.topology import TOPOLOGIES

            names = TOPOLOGIES
        case _:
            from waggledance.core import AnswerKind

            names = get_args(AnswerKind)
    return tuple(names)
