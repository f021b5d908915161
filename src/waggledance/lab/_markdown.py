"""A report as Markdown: three tables and what they can and cannot say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from waggledance.lab._arm_line import ArmLine
from waggledance.lab._report import Report
from waggledance.lab._versus import Versus


def markdown(report: Report) -> str:
    """Return a report as a page."""
    return "\n".join(_page(report)).rstrip() + "\n"


def _page(report: Report) -> Iterator[str]:
    about = report.about
    runs = f"{len(about.tasks):,} tasks" + (f" × {about.repeats} repeats" if about.repeats > 1 else "")
    yield f"# {about.data or 'Comparison'}: {runs}\n"
    if report.unfinished:
        yield f"**Not all is there: {report.unfinished:,} runs of arms are missing.** The same command goes on.\n"
    yield "## Arms\n"
    yield from _arms(report)
    for unit, table in report.at_equal.items():
        yield f"\n## Beside self-consistency at equal {unit}\n"
        yield from _versus(table, samples=True, none=f"No arm's {unit} are known.")
    if len(about.arms) > 1:
        yield f"\n## Beside {about.arms[0].name}\n"
        yield from _versus(report.against_first, samples=False, none="No task was run by both.")
    yield "\n## What this can and cannot say\n"
    yield from _notes(report)


def _arms(report: Report) -> Iterator[str]:
    deepest = max((max(line.pass_k, default=0) for line in report.arms), default=0)
    heads = ["arm", "right", "95 %", "calls", "tokens", "cost", "cost per solved", "of the gap", "front"]
    heads += [f"pass^{deepest}"] if deepest else []
    yield _line([*heads, "no answer", "unreadable"])
    yield _line(["---"] + ["--:"] * (len(heads) + 1))
    for line in report.arms:
        if line.role == "self-consistency":
            continue
        sure = [f"{line.pass_k[deepest]:.3f}" if deepest in line.pass_k else "–"] if deepest else []
        yield _line([
            _named(line), f"{line.score:.3f}", f"{line.low:.3f} to {line.high:.3f}", _number(line.calls),
            _number(line.tokens), _number(line.cost), _per_solved(line),
            "–" if line.of_gap is None else f"{line.of_gap:.0%}", "●" if line.on_front else "", *sure,
            f"{line.failed:,}" if line.role == "arm" else "", f"{line.unparsable:,}" if line.role == "arm" else "",
        ])  # fmt: skip


def _named(line: ArmLine) -> str:
    return _cell(line.arm) if line.role == "arm" else f"*{_cell(line.arm)}*"


def _versus(table: Sequence[Versus], *, samples: bool, none: str) -> Iterator[str]:
    if not table:
        yield none
        return
    heads = ["arm", *(["samples"] if samples else []), "spend", "difference", "95 %", "p", "p (Holm)", "smallest seen",
             "verdict"]  # fmt: skip
    yield _line(heads)
    yield _line(["---"] + ["--:"] * (len(heads) - 2) + ["---"])
    for line in table:
        spend = ", ".join(f"{ratio:.2f}× {unit}" for unit, ratio in line.spend.items()) or "not known"
        said = f"**{line.verdict}**" if line.verdict in ("better", "worse") else line.verdict
        yield _line([
            _cell(line.arm), *([_number(line.samples or 0)] if samples else []), spend,
            f"{line.difference:+.3f}", f"{line.low:+.3f} to {line.high:+.3f}", _p(line.p),
            "–" if line.p_holm is None else _p(line.p_holm),
            f"{line.smallest:.3f}" if 0 < line.smallest < inf else "–", said + (f": {line.why}" if line.why else ""),
        ])  # fmt: skip


def _notes(report: Report) -> Iterator[str]:
    about = report.about
    yield (
        f"- {report.clusters:,} tasks stand alone. One arm's share is known to ±{report.noise_floor:.3f} at worst; of "
        f"two arms, a difference of {report.smallest:.3f} is seen with 80 % power if exactly one of them solves a "
        "fifth of the tasks. Below the smallest difference seen, nothing is called better."
    )
    yield (
        "- Intervals draw tasks again and never runs; p-values flip the signs of tasks, Holm corrects over the arms of "
        "a table. An arm that spends over 5 % more than its reference is unmatched: nothing is claimed."
    )
    yield (
        "- The best single model of *one call* and of self-consistency is chosen on four fifths of the tasks for the "
        "last fifth, in turn: it never saw the key it is judged by. *Random pick* is the mean of all peers' first "
        "answers, *oracle* the best of them; *of the gap* is the share of the way between these two."
    )
    priced = [model for model in about.models if model in about.prices]
    nominal = len(about.models) - len(priced)
    if nominal:
        yield (
            f"- {nominal} of {len(about.models)} models have no price: their tokens count 1 read and 4 written, in "
            "millionths of a dollar. Only ratios between arms mean anything then. Give prices with --prices."
        )
    else:
        yield "- Cost is that of a run's tokens, in millionths of a dollar, at the prices given."
    if any(line.failed for line in report.arms if line.role == "arm"):
        yield "- *No answer* counts answers and judgements, of all runs, that were asked for and did not come."
    if not any(line.tokens for line in report.arms):
        yield "- No tokens were recorded, so nothing is matched by priced tokens."
    for arm in about.arms:
        if arm.left_out:
            yield f"- {arm.name} is left out of claims: {arm.left_out}."
    yield f"- Seed {about.seed}, program {about.code}, data {about.data or 'not named'}."


def _per_solved(line: ArmLine) -> str:
    if line.per_solved is None:
        return "none solved"
    if not line.per_solved:
        return "–"
    if line.per_solved_low is None:
        return _number(line.per_solved)
    high = "no limit" if line.per_solved_high is None else _number(line.per_solved_high)
    return f"{_number(line.per_solved)} ({_number(line.per_solved_low)} to {high})"


def _number(value: float) -> str:
    if not value:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
