"""A decision as people read it: the answer, bars of support, who dissents and why, what it cost, where it is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from waggledance.cli._safe_text import first_sentence, one_line, safe
from waggledance.cli._story import Story
from waggledance.core import UNIT, Cost, Decision

BAR_CELLS = 24
MAX_BARS = 12
MAX_DISSENTERS = 12

Span = tuple[str, str]
"""A piece of text and its style."""
Line = list[Span]


def answer_line(decision: Decision, story: Story) -> str:
    """Return the answer alone, which is the first line on stdout."""
    if decision.key is None:
        return f"no answer ({decision.status})"
    kind = story.question.expects if story.question is not None else "short"
    if kind in ("free", "code") and decision.text:
        return safe(decision.text).strip()
    return story.labels.get(decision.key) or one_line(decision.key, 400)


def lines(decision: Decision, story: Story, *, kept: bool = True) -> list[Line]:
    """Return the whole view, line by line, each of styled pieces.

    Args:
        decision: what was decided.
        story: what was said before it: labels of answers, names.
        kept: whether the channel is in a log, so that it can be replayed.
    """
    answered = decision.key is not None
    view: list[Line] = [[(answer_line(decision, story), "bold green" if answered else "bold yellow")]]
    if answered:
        view += [[]]
        view.append([(f"decided by {decision.rule}, ", "dim"), (f"{decision.confidence:.0%}", "bold"),
                     (" confident", "dim")])  # fmt: skip
    view += _bars(decision, story)
    view += _dissent(decision, story)
    if decision.silent:
        named = [one_line(decision.name(peer), 24) for peer in decision.silent]
        more = f" and {len(named) - MAX_DISSENTERS} more" if len(named) > MAX_DISSENTERS else ""
        view += [[], [("no answer from ", "yellow"), (", ".join(named[:MAX_DISSENTERS]) + more, "")]]
    notes = [*_tie(decision, story), *decision.notes]
    if notes:
        view += [[], *([("note: ", "yellow"), (one_line(note, 400), "")] for note in notes)]
    view += [[], [("cost   ", "dim"), (cost_line(decision.cost, decision.seconds), "")]]
    if kept and decision.channel:
        view.append([("replay ", "dim"), (f"waggle replay {decision.channel}", "")])
    return view


def cost_line(cost: Cost, seconds: float) -> str:
    """Return what was spent, in one line.

    >>> cost_line(Cost(calls=10, prompt_tokens=3000, completion_tokens=412), 12.34)
    '10 calls, 3,412 tokens (3,000 read, 412 written), 12.3 s'
    """
    parts = [
        f"{cost.calls:,} call{'s' if cost.calls != 1 else ''}",
        f"{cost.tokens:,} tokens ({cost.prompt_tokens:,} read, {cost.completion_tokens:,} written)",
        f"{seconds:.1f} s",
    ]
    if cost.micro_usd:
        parts.append(f"${cost.micro_usd / UNIT:.4f}")
    return ", ".join(parts)


def plain(view: Iterable[Line]) -> str:
    """Return a view without styles."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in view)


def _bars(decision: Decision, story: Story) -> list[Line]:
    if not decision.support:
        return []
    ranked = sorted(decision.support.items(), key=lambda item: (item[0] != decision.key, -item[1], item[0]))
    backers = _backers(story)
    names = [_short(key, story) for key, _ in ranked[:MAX_BARS]]
    width = max(map(len, names))
    view: list[Line] = []
    for (key, score), name in zip(ranked, names, strict=False):
        share = max(0.0, decision.share(key))
        full = min(BAR_CELLS, round(share * BAR_CELLS))
        view.append([
            (f"  {name:<{width}}  ", "bold" if key == decision.key else ""),
            ("█" * full, "green" if key == decision.key else "cyan"),
            ("░" * (BAR_CELLS - full), "dim"),
            (f" {share:>4.0%}", ""),
            (f"  {round(score / UNIT, 2):g}", "dim"),
            (f"  {', '.join(backers[key])}" if key in backers else "", "dim"),
        ])  # fmt: skip
    if len(ranked) > MAX_BARS:
        view.append([(f"  … and {len(ranked) - MAX_BARS} more answers", "dim")])
    return view


def _tie(decision: Decision, story: Story) -> list[str]:
    """Say when the answer was not ahead of another: it came out by a fixed lot, and that is worth knowing."""
    top = decision.support.get(decision.key or "", 0)
    level = [_short(key, story) for key, score in decision.support.items() if score == top and key != decision.key]
    if decision.key is None or not level:
        return []
    return [f"tied with {', '.join(level[:MAX_BARS])}: a lot drawn from the question's channel decided"]


def _backers(story: Story) -> Mapping[str, list[str]]:
    """Return by answer who stands by it, and how often if more than once; of many, the first few."""
    backers: dict[str, list[str]] = {}
    for row in story.rows.values():
        for answer, times in Counter(row.stands).items():
            if answer is not None:
                backers.setdefault(answer, []).append(row.name if times == 1 else f"{row.name} × {times}")
    return {key: [*names[:6], f"{len(names) - 6} more"] if len(names) > 6 else names for key, names in backers.items()}


def _short(key: str, story: Story) -> str:
    return one_line(story.labels.get(key) or key, 40)


def _dissent(decision: Decision, story: Story) -> list[Line]:
    others = [d for d in decision.dissent if d.key is not None] if decision.key is not None else []
    view: list[Line] = []
    others = list({(d.peer, d.key): d for d in others}.values())
    for dissent in others[:MAX_DISSENTERS]:
        said = first_sentence(dissent.reason, 160)
        if said in (dissent.key, _short(dissent.key or "", story)):  # an answer is no reason for itself
            said = ""
        view.append([(f"{one_line(decision.name(dissent.peer), 24)} says {_short(dissent.key or '', story)}", "cyan"),
                     (f": {said}" if said else "", "")])  # fmt: skip
    if len(others) > MAX_DISSENTERS:
        view.append([(f"… and {len(others) - MAX_DISSENTERS} more who dissent", "dim")])
    return [[], *view] if view else []
