"""Why a run was arranged as it was, what that rests on, and what it would cost to be surer."""

from __future__ import annotations

from collections import Counter

from waggledance.cli._decision_view import Line
from waggledance.core import Decision

SURE = 0.99


def explained(decision: Decision, standing: Counter[str | None], arranged: str, *, chosen: bool) -> list[Line]:
    """Return the lines of ``--explain``; takes what `reasons` takes."""
    told = reasons(decision, standing, arranged, chosen=chosen)
    return [[], [("why    ", "dim"), (told["why"], "")], *_evidence(), [("surer  ", "dim"), (told["surer"], "")]]


def reasons(decision: Decision, standing: Counter[str | None], arranged: str, *, chosen: bool) -> dict[str, str]:
    """Return why a run was arranged as it was, and what being surer would cost.

    Args:
        decision: what was decided.
        standing: how many of the answers that stand at the end are which; None counts those that are none.
        arranged: the protocol as it could be typed.
        chosen: whether the caller named it.
    """
    if chosen:
        why = f"{arranged} was asked for; where nothing is, what won at equal spend is used"
    else:
        why = f"{arranged}: {_REASONS[arranged.partition('(')[0]]}"
    told = surer(decision, standing) if arranged.startswith("vote") else _HEARD
    return {"why": why, "surer": told}


def surer(decision: Decision, standing: Counter[str | None]) -> str:
    """Return in a sentence how sure it is that the answer is what these peers answer most, and what more would cost."""
    from waggledance.lab import answers_to
    from waggledance.protocols import chance_of_lead

    given, votes = standing.total(), Counter({key: n for key, n in standing.items() if key is not None})
    if decision.key is None or not votes:
        return "no answer was given, so nothing is known about its odds: ask again, or ask others"
    (_, first), (_, second) = [*votes.most_common(2), ("", 0)][:2]
    if votes[decision.key] < first:
        return "the answer is not the one that most gave, so more answers alone would not make it surer"
    chance = chance_of_lead(first, second)
    now = f"{first} of {given} answers; that peers like these give it most often is {chance:.0%} sure"
    more = answers_to(SURE, first, second, given - first - second)
    if more is None:
        return f"{now}: the two leading answers are level, and more answers of the same peers would not part them"
    if not more:
        return f"{now}, which more answers would hardly raise. They may still be wrong together"
    tokens = 10 * round(more * decision.cost.tokens / max(1, decision.cost.calls) / 10)
    return (
        f"{now}; {more} more answers, about {tokens:,} tokens, would make it {SURE:.0%} if they fall alike. "
        "They may still be wrong together"
    )


def _evidence() -> list[Line]:
    """Return what was measured, a line an arm."""
    from waggledance.lab import evidence

    view: list[Line] = []
    for one in evidence():
        view.append([("       ", ""), (f"{one.asked}: {one.reads}", "")])
        width = max(len(found.arm) for found in one.arms)
        for found in one.arms:
            right = f"{found.right:>4.0%} right [{found.low:.0%}-{found.high:.0%}]"
            spent = f"{found.calls:.3g} call{'s' if found.calls != 1 else ''}" + (
                f", {found.tokens:,.0f} tokens" if found.tokens else ""
            )
            view.append([("       ", ""), (f"  {found.arm:<{width}}  {right}, {spent} a question", "")])
        view.append([("       ", ""), (f"  {one.command}", "dim")])
    return view


_HEARD = "these peers heard or judged each other, so their agreement says less than as many answers in a vote would"

_REASONS = {
    "vote": "at equal spend no talk was seen to beat more answers, and a vote ends once none to come could change it",
    "debate": "rounds, a topology or a person to hear the others were asked for",
    "peer-ranking": "the rule decides on judgements, so peers must judge",
    "bargain": "a package is a question of values, which no vote on facts answers",
}
