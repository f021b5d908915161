"""The protocol that settings ask for, with its rule and its topology."""

from __future__ import annotations

from typing import Any

from waggledance import protocols, topology
from waggledance.cli._config import InForce
from waggledance.protocols import AskProtocol, Default, spelled
from waggledance.tasks import register_protocols


def protocol_from(force: InForce) -> AskProtocol | Default:
    """Return the protocol that is named, or what chooses one for each question where none is.

    Raises:
        UnknownName: there is no such protocol, rule or topology; says the nearest.
        UsageError: they make no sense together; says why.
    """
    register_protocols()
    ask = force.settings.ask
    given: dict[str, Any] = {"rounds": ask.rounds, "patience_s": ask.patience_s}
    if ask.rule is not None:
        rule = ask.rule
        given["rule"] = force.using("ask.rule", lambda: protocols.rule_by_name(rule))
    if ask.topology is not None:
        shape = ask.topology
        given["topology"] = force.using("ask.topology", lambda: topology.by_name(shape))
    name = ask.protocol
    if name is None:
        return Default(**given)
    return force.using("ask.protocol", lambda: protocols.by_name(name, **given))


def arranged_as(force: InForce, protocol: AskProtocol) -> str:
    """Return how a protocol that settings asked for could be typed."""
    return force.settings.ask.protocol or spelled(protocol)[0]
