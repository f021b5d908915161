"""`waggle log check`: whether what was said keeps its contracts, and which step is the first that does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import typer

from waggledance.cli._ending import complain
from waggledance.cli._log_place import place_of, read_channel
from waggledance.cli._printing import print_json, print_text
from waggledance.cli._safe_text import safe
from waggledance.core import Budget, Log, RunFailed, UsageError, members_of
from waggledance.safety import Compliance, Violation, builtin, check, contracts_named


def check_log(
    channel: str | None,
    log: Path | None,
    config: Path | None,
    *,
    contracts: Sequence[str],
    budget: Budget | None,
    grants: Sequence[str],
    public: Sequence[str],
    as_json: bool,
) -> None:
    """Check one channel, or all of them, and print what is violated.

    Args:
        channel: its name, or how it begins; every channel when None.
        log: the log's file.
        config: a waggle.toml.
        contracts: names of contracts; the built-in ones when empty.
        budget: what each run was allowed; what its opening says when None.
        grants: each ``PEER=TOOL,TOOL``.
        public: globs over the channels in which nothing is private.
        as_json: whether to print one JSON object.
    """
    ours = builtin(budget=budget, grants=_grants(grants), public=tuple(public))
    chosen = contracts_named(contracts, ours) if contracts else ours
    found: list[tuple[Compliance, dict[bytes, str]]] = []
    with Log(place_of(log, config), "r") as opened:
        names = opened.names() if channel is None else (read_channel(opened, channel)[0].channel,)
        for name in names:
            exchanges = opened.exchanges(name)
            said = opened.read(name)
            found.append((check(said, chosen, exchanges=exchanges), {m.id: m.name for m in members_of(said)}))
    if as_json:
        print_json({"holds": all(c.holds for c, _ in found), "channels": [_as_json(c, who) for c, who in found]})
    else:
        for compliance, who in found:
            print_text(safe(_told(compliance, who)))
    broken = [compliance for compliance, _ in found if not compliance.holds]
    if broken:
        many = f"{len(broken)} of {len(found)} channels do not keep their contracts" if len(found) > 1 else ""
        first = broken[0].first
        complain(many or (f"first violating step: {first.at.hex()}" if first else "a contract could not be judged"))
        raise typer.Exit(RunFailed.exit_code)


def _grants(given: Sequence[str]) -> dict[str, tuple[str, ...]] | None:
    """Return who may use which tools."""
    grants: dict[str, tuple[str, ...]] = {}
    for one in given:
        peer, equals, tools = one.partition("=")
        if not (peer and equals):
            raise UsageError(f"--grant {one!r} says nothing: write --grant PEER=TOOL,TOOL, with * for every peer")
        grants[peer] = (*grants.get(peer, ()), *(tool for tool in tools.split(",") if tool))
    return grants or None


def _told(compliance: Compliance, who: dict[bytes, str]) -> str:
    """Return the verdict in words, peers by their names."""
    text = str(compliance)
    for violation in compliance.violations:
        if violation.by in who:
            text = text.replace(f"by {violation.by.hex()[:8]}:", f"by {who[violation.by]}:")
    return text


def _as_json(compliance: Compliance, who: dict[bytes, str]) -> dict[str, Any]:
    return {
        "channel": compliance.channel,
        "holds": compliance.holds,
        "contracts": list(compliance.contracts),
        "messages": compliance.messages,
        "waiting": compliance.waiting,
        "sealed": compliance.sealed,
        "first": compliance.first.at.hex() if compliance.first else None,
        "violations": [_violation(violation, who) for violation in compliance.violations],
        "faulty": [{"contract": f.contract, "at": f.at.hex(), "why": f.why} for f in compliance.faulty],
        "forked": [author.hex() for author in compliance.forked],
        "unknown": dict(compliance.unknown),
        "unsaid": compliance.unsaid,
    }


def _violation(violation: Violation, who: dict[bytes, str]) -> dict[str, Any]:
    plain = msgspec.structs.asdict(violation)
    return {
        **plain,
        "at": violation.at.hex(),
        "by": who.get(violation.by) or violation.by.hex() or None,
        "involved": [id.hex() for id in violation.involved],
    }
