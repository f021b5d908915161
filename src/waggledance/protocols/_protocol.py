"""What a protocol is: one coroutine that every peer runs at its seat, ending in a decision."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

from waggledance.consensus import Rule, name_of, needs_of
from waggledance.core import (
    Body,
    Condition,
    Decision,
    Message,
    Peer,
    PeerId,
    Proposal,
    Question,
    Seat,
    UsageError,
    after,
)

B = TypeVar("B", bound=Body)

Gives = Literal["confidence", "judgements", "utilities"]

_NOW = after(0)


class AskProtocol(Protocol):
    """Every peer runs it at its own seat; it awaits nothing but the seat. Any async function of that shape is one.

    A protocol of ours also has: `name`; `skills`, which its peers must have; `gives`, what a rule may need besides
    proposals; `decide`, its rule; `peers_min`, fewer than which it is senseless with; where judgements are all it is
    about, `judged`; and, where hearing matters, `topology`.
    """

    def __call__(self, seat: Seat, /) -> Coroutine[Any, Any, Decision]: ...


@runtime_checkable
class Folding(Protocol):
    """A protocol that goes on from any set of messages, and whose decision is a fold of them, not a replay."""

    def folded(self, messages: Sequence[Message[Any]], /) -> Decision:
        """Return what a question's messages decide, its opening among them: a pure function, blind to order.

        Raises:
            UsageError: the opening is not among them.
        """
        ...


def check_fit(protocol: AskProtocol, peers: Sequence[Peer]) -> None:
    """Refuse an arrangement that makes no sense, before anything is spent.

    Raises:
        UsageError: a peer lacks a skill, the rule needs what the protocol does not give or does not look at what it
            is for, or there are too few peers for the protocol or its topology.
    """
    if isinstance(protocol, type):
        raise UsageError(f"{protocol.__name__} is a class, and a protocol is one of its making: {protocol.__name__}()")
    if not callable(protocol):
        raise UsageError(
            f"{protocol!r:.80} is no protocol: make one by its name with protocols.by_name({protocol!r:.40})"
        )
    title = title_of(protocol)
    for peer in peers:
        missing = sorted(getattr(protocol, "skills", frozenset[str]()) - peer.skills)
        if missing:
            raise UsageError(
                f"protocol {title!r} needs the skill {missing[0]!r}, which peer {peer.name!r} lacks (it has "
                f"{', '.join(sorted(peer.skills)) or 'none'}): give it that skill, or choose another protocol"
            )
    check_rule(protocol)
    least: int = getattr(protocol, "peers_min", 1)
    if len(peers) < least:
        raise UsageError(
            f"protocol {title!r} needs at least {least} peers, got {len(peers)}: seat more, or let them 'vote'"
        )
    check: Callable[[int], None] | None = getattr(getattr(protocol, "topology", None), "check", None)
    if check is not None:
        check(len(peers))


def check_question(protocol: AskProtocol, question: Question) -> None:
    """Refuse to ask what people want as if it were a fact, and the other way round.

    Raises:
        UsageError: with the reason. A plain function as a protocol is taken at its word.
    """
    gives: frozenset[str] | None = getattr(protocol, "gives", None)
    if gives is None or question.of_values == ("utilities" in gives):
        return
    title = title_of(protocol)
    if question.of_values:
        raise UsageError(
            f"the question asks for a package, so for values, and protocol {title!r} looks for a true answer and would "
            "take a minority for noise: choose the protocol 'bargain'"
        )
    raise UsageError(
        f"protocol {title!r} bargains over packages, and the question expects {question.expects!r}: ask for a "
        "'package' of options, or choose another protocol, such as 'debate'"
    )


def check_rule(protocol: AskProtocol) -> None:
    """Refuse a rule that its protocol cannot feed, or that does not look at what the protocol pays for.

    Raises:
        UsageError: with the reason. A plain function as a rule is taken at its word.
    """
    rule: Rule | None = getattr(protocol, "decide", None)
    if rule is None:
        return
    if not callable(rule):
        raise UsageError(f"{rule!r:.80} is no rule: make one by its name with protocols.rule_by_name({rule!r:.40})")
    title = title_of(protocol)
    gives = getattr(protocol, "gives", frozenset[str]())
    lacking = sorted(needs_of(rule) - gives)
    if lacking:
        raise UsageError(
            f"rule {name_of(rule)!r} needs {lacking[0]}, and protocol {title!r} gives "
            f"{', '.join(sorted(gives)) or 'proposals only'}: choose another rule or protocol"
        )
    if "utilities" in gives and hasattr(rule, "needs") and "utilities" not in needs_of(rule):
        raise UsageError(
            f"protocol {title!r} asks what peers want, and rule {name_of(rule)!r} looks for the truth, for which a "
            "minority is noise: choose the rule 'bargained'"
        )
    if getattr(protocol, "judged", False) and hasattr(rule, "needs") and "judgements" not in needs_of(rule):
        raise UsageError(
            f"protocol {title!r} has peers judge answers, and rule {name_of(rule)!r} does not look at judgements: "
            "choose a rule such as 'bradley-terry', or the protocol 'vote', which costs less"
        )


def title_of(protocol: AskProtocol) -> str:
    """Return a protocol's name: its own, or its function's."""
    return str(getattr(protocol, "name", getattr(protocol, "__name__", type(protocol).__name__)))


async def collect_from_those_here(seat: Seat, round: int, in_time: Condition) -> tuple[Message[Proposal], ...]:
    """Wait for who has spoken in the round before or in this one, then take in what is here, whoever said it.

    So a silent peer costs one patience and not one a round. Who was late is waited for again once it has spoken, and
    what it says in time counts.
    """
    here = frozenset(m.author for m in (*seat.said(Proposal, round - 1), *seat.said(Proposal, round)))
    return await collect_from(seat, Proposal, round, in_time, here)


async def collect_from(
    seat: Seat, body: type[B], round: int, in_time: Condition, here: frozenset[PeerId]
) -> tuple[Message[B], ...]:
    """Wait for those who are known to be here, then take in what is here, whoever said it."""
    await seat.collect(body, round, until=in_time, of=here)
    return await seat.collect(body, round, until=_NOW)


def check_patience(seconds: float) -> None:
    """Refuse a waiting time that is none.

    Raises:
        UsageError: it is negative or not a number.
    """
    if not seconds >= 0:
        raise UsageError(f"patience is a number of seconds ≥ 0, got {seconds}")
