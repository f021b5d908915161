"""The protocol that settings ask for, with its rule and its topology."""

from __future__ import annotations

from typing import Any

from waggledance import protocols, topology
from waggledance.cli._config import InForce
from waggledance.protocols import AskProtocol


def protocol_from(force: InForce) -> AskProtocol:
    """Return the protocol.

    Raises:
        UnknownName: there is no such protocol, rule or topology; says the nearest.
        UsageError: they make no sense together; says why.
    """
    ask = force.settings.ask
    options: dict[str, Any] = {"rounds": ask.rounds, "patience_s": ask.patience_s}
    if ask.rule is not None:
        rule = ask.rule
        options["rule"] = force.using("ask.rule", lambda: protocols.rule_by_name(rule))
    if ask.topology is not None:
        named = ask.topology
        options["topology"] = force.using("ask.topology", lambda: topology.by_name(named))
    given = {name: value for name, value in options.items() if value is not None}
    return force.using("ask.protocol", lambda: protocols.by_name(ask.protocol, **given))
