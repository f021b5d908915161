"""Check a whole channel: the same messages give the same verdict, in any order, on any machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from waggledance.core import Exchange, Message, MessageId, UsageError, show
from waggledance.safety._causal_past import causes_of
from waggledance.safety._compliance import Compliance, Faulty
from waggledance.safety._contract import Contract, find
from waggledance.safety._contract_checker import Checker
from waggledance.safety._violation import Violation

AnyMessage = Message[Any]


def check(
    messages: Iterable[AnyMessage],
    contracts: Iterable[Contract] | None = None,
    *,
    exchanges: Iterable[Exchange] = (),
) -> Compliance:
    """Return whether the messages of a channel keep contracts, and what is the first step that does not.

    Each contract's first violation is looked at again by itself, from nothing but what its step builds on; a contract
    that then says something else goes by more than its arguments, and is named as faulty instead.

    Args:
        messages: of one channel, in any order; those of a log that is still being written as well.
        contracts: the built-in ones that need no setting when None.
        exchanges: what peers asked of models and tools, from their own log.

    Raises:
        UsageError: the messages are of several channels, or two contracts have one name.
    """
    said = list(messages)
    names = sorted({message.channel for message in said})
    if len(names) > 1:
        raise UsageError(f"a check takes the messages of one channel, got {len(names)}: {', '.join(names[:5])}")
    if contracts is None:
        from waggledance.safety._builtin import builtin

        contracts = builtin()
    checker, asked = Checker(contracts), list(exchanges)
    for exchange in asked:
        checker.hear_exchange(exchange)
    for message in said:
        checker.hear(message)
    found = checker.compliance()
    firsts = {violation.contract: violation for violation in reversed(found.violations)}
    unsure = {name for name, first in firsts.items() if not recheck(first, said, checker.contracts, exchanges=asked)}
    if not unsure:
        return found
    why = "it finds a violation, and looking again at the same messages none, or another: steps must be pure"
    faulty = [Faulty(name, MessageId(firsts[name].at), why) for name in sorted(unsure)]
    kept = tuple(violation for violation in found.violations if violation.contract not in unsure)
    return msgspec.structs.replace(found, violations=kept, faulty=(*found.faulty, *faulty))


def recheck(
    violation: Violation,
    messages: Iterable[AnyMessage],
    contracts: Sequence[Contract],
    *,
    exchanges: Iterable[Exchange] = (),
) -> bool:
    """Say whether a violation that somebody claims is one, going by what its step builds on and nothing else.

    Args:
        violation: the claim.
        messages: those that are here; of another channel's or later ones none is looked at.
        contracts: among them the one that it names.
        exchanges: what peers asked of models and tools, for contracts that go by that.

    Raises:
        UnknownName: none of the contracts has that name.
        UsageError: the step, or something that it builds on, is not here.
    """
    contract = find(tuple(contracts), violation.contract)
    by_id = {message.id: message for message in messages}
    checker = Checker([contract])
    for exchange in exchanges:
        checker.hear_exchange(exchange)
    for message in _evidence(violation, by_id):
        checker.hear(message)
    return any(
        (found.at, found.why, found.by) == (violation.at, violation.why, violation.by)
        for found in checker.compliance().violations
    )


def _evidence(violation: Violation, by_id: dict[MessageId, AnyMessage]) -> list[AnyMessage]:
    """Return the step, what it involves, and all that these build on."""
    found: dict[MessageId, AnyMessage] = {}
    ahead = [MessageId(violation.at), *violation.involved]
    while ahead:
        id = ahead.pop()
        if id in found:
            continue
        message = by_id.get(id)
        if message is None:
            raise UsageError(
                f"the claim against {violation.contract!r} rests on message {show(id)}, which is not here: get it from "
                "whoever made the claim"
            )
        found[id] = message
        ahead += causes_of(message)
    return list(found.values())
