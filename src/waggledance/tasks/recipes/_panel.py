"""A review panel: every concern has its speaker, nobody sees another's first scores, and the report is computed.

Source: "Multi-Agent LLMs for Complex Engineering: A Framework for Senior Design Projects" (2025): personas that each
speak for one concern, and a coordinator. The hidden first round, the median and the flags are ours; there is no
coordinator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median_low
from typing import Any, cast

import msgspec

from waggledance.core import RunFailed, UsageError
from waggledance.tasks._check_schema import json_in
from waggledance.tasks._recipe import Kind, Recipe, RecipeLimits, Role
from waggledance.tasks._role_function import Artefact, Watched, role_function

MILLI = 1_000
MAX_SCORE = 10
MIN_SHARE_CHARS = 120
"""Of words that every role has at least, before the longest are cut."""


class Criterion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question that is answered with 0 to 10."""

    question: str
    at_0: str
    at_5: str
    at_10: str


class Speaker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who speaks for one concern."""

    goal: str
    constraints: tuple[str, ...] = ()


class Rubric(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a panel goes by."""

    name: str
    description: str
    of: str
    """What is reviewed."""
    criteria: dict[str, Criterion]
    roles: dict[str, Speaker]
    spread: int = 4
    """Scores further apart than this are flagged."""

    def __post_init__(self) -> None:
        if not self.criteria or not self.roles:
            raise UsageError(f"rubric {self.name!r} needs a criterion and a role")


@dataclass(frozen=True)
class Scored:
    """What a panel says of one criterion; in thousandths of a point."""

    score: int
    """The lower median: as many find it worse as find it better."""
    spread: int
    voices: int

    def flagged(self, spread: int) -> bool:
        """Say whether the scores lie further apart than so many points."""
        return self.spread > spread * MILLI


def panel_of(rubric: Rubric) -> Recipe:
    """Return the recipe of a panel: scores unseen by others, then revised with all in view, then the report.

    Raises:
        RecipeFault: the rubric is too large for one plan.
    """
    schema = _schema(rubric)
    kinds = {
        "request": Kind(about=rubric.of),
        "scores": Kind(about="a role's scores, made alone", schema=schema),
        "revised": Kind(about="a role's scores after it has read the others'", schema=schema),
        "report": Kind(about="the median of each criterion, where reviewers differ, and who is missing"),
    }
    roles: dict[str, Role] = {}
    for name, speaker in rubric.roles.items():
        alone = f"Score the {rubric.of} in the notes by every criterion, from your own concern.\n{_asked(rubric)}"
        roles[name] = Role(watch=("request",), produces="scores", goal=speaker.goal, constraints=speaker.constraints,
                           prompt=alone)  # fmt: skip
    for name, speaker in rubric.roles.items():
        again = (
            f"Score again, now that you have read the other reviewers' scores of the {rubric.of}. Change a score only "
            f"for a reason that you can name; where you and another still differ, say so.\n{_asked(rubric)}"
        )
        roles[f"{name} again"] = Role(watch=("request", "scores"), produces="revised", goal=speaker.goal, prompt=again,
                                      constraints=speaker.constraints, despite_failures=True)  # fmt: skip
    roles["report"] = Role(watch=("revised",), produces="report", does="panel-report", despite_failures=True, tries=1)
    return Recipe(name=rubric.name, description=rubric.description, kinds=kinds, roles=roles, start="request",
                  out="report", models=3, limits=RecipeLimits(calls=6 * len(rubric.roles)),
                  settings={"criteria": list(rubric.criteria), "spread": rubric.spread})  # fmt: skip


def _asked(rubric: Rubric) -> str:
    return "\n".join(
        f"- {name}: {c.question} 0: {c.at_0}; 5: {c.at_5}; 10: {c.at_10}." for name, c in rubric.criteria.items()
    )


def _schema(rubric: Rubric) -> dict[str, Any]:
    score = {"type": "number", "minimum": 0, "maximum": MAX_SCORE}
    return {
        "type": "object",
        "required": ["scores", "reason"],
        "properties": {
            "scores": {"type": "object", "required": list(rubric.criteria), "additionalProperties": False,
                       "properties": dict.fromkeys(rubric.criteria, score)},
            "reason": {"type": "string", "minLength": 1},
            "quote": {"type": "string"},
        },
    }  # fmt: skip


def verdicts(scores: Mapping[str, Mapping[str, int]]) -> dict[str, Scored]:
    """Return what reviewers' scores come to, by criterion: the median, for one hostile reviewer moves a mean.

    Args:
        scores: by reviewer and criterion, 0 to 10,000 thousandths.

    Raises:
        UsageError: a score is out of range.
    """
    found: dict[str, list[int]] = {}
    for given in scores.values():
        for criterion, score in given.items():
            if not 0 <= score <= MAX_SCORE * MILLI:
                raise UsageError(f"a score lies between 0 and {MAX_SCORE * MILLI} thousandths, got {score}")
            found.setdefault(criterion, []).append(score)
    return {
        criterion: Scored(median_low(given), max(given) - min(given), len(given))
        for criterion, given in sorted(found.items())
    }


def equal_shares(words: Mapping[str, str]) -> dict[str, str]:
    """Return words cut so that nobody has more than twice as many characters as who has the fewest, or 120."""
    most = 2 * max(MIN_SHARE_CHARS // 2, min((len(text) for text in words.values()), default=0))
    return {who: text if len(text) <= most else text[: most - 1] + "…" for who, text in words.items()}


@role_function("panel-report")
async def panel_report(watched: Watched) -> str:
    """Return a panel's report: median and spread of each criterion, every voice, and who is missing.

    Raises:
        RunFailed: nobody's scores are there.
    """
    said = {made.step.role.removesuffix(" again"): _said(made) for made in watched.artefacts}
    if not said:
        raise RunFailed("no reviewer gave scores, so there is nothing to report")
    scores = {who: {name: round(MILLI * value) for name, value in one["scores"].items()} for who, one in said.items()}
    spread = int(watched.settings["spread"])
    lines = ["| criterion | median | spread | |", "|---|---|---|---|"]
    found = verdicts(scores)
    for criterion in watched.settings["criteria"]:
        verdict = found[criterion]
        flag = "reviewers differ" if verdict.flagged(spread) else ""
        lines.append(f"| {criterion} | {_points(verdict.score)} | {_points(verdict.spread)} | {flag} |")
    shares = equal_shares({who: str(one["reason"]) for who, one in said.items()})
    lines += ["", *(f"- {who}: {' '.join(text.split())}" for who, text in shares.items())]
    missing = [step.role.removesuffix(" again") for step in watched.missing]
    lines += ["", f"Missing: {', '.join(missing)}."] if missing else []
    return "\n".join(lines)


def _said(made: Artefact) -> dict[str, Any]:
    return cast("dict[str, Any]", json_in(made.text))


def _points(milli: int) -> str:
    return f"{milli // MILLI}.{milli % MILLI // 100}"
