"""Why did a run come out wrong? Change one step, run on from there, and see: a guess counts only if the change helps.

    suspects (no model needed) → one repair each → replay with the repair → verdict; and always a re-run without one

Suspects are looked for in this order: the first violation of a contract, the first claim that its judges reject, the
first message after which all later answers were wrong, then messages by how many others descend from them. A verdict is
*validated* when the repair turns the outcome, *partly* when it brings it nearer, *refuted* when it was heard and
changed nothing for the better, *inconclusive* when nobody took it up, or when a re-run without it does as well: by
luck. Where two repairs each help partly, they are tried together.

Source: Ma et al. 2025, "DoVer: Intervention-Driven Auto Debugging for LLM Multi-Agent Systems", arXiv:2512.06749, §3;
the order of suspects, the control and the combination of two repairs are ours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import combinations
from typing import Any, Literal

import msgspec

from waggledance.core import UNIT, Decision, Log, Message, Outcome, Proposal, RunFailed, UsageError, outcome_of
from waggledance.lab._suspects import Suspect, suspects
from waggledance.safety import (
    Contract,
    Fork,
    Intervention,
    MissingRecord,
    Peers,
    Unsay,
    as_plain,
    intervene,
    rerun,
    told_intervention,
)

AnyMessage = Message[Any]
Verdict = Literal["validated", "partly", "refuted", "inconclusive"]
Right = Callable[[Decision], bool]
"""Whether a decision is what should have come out."""
Mend = Callable[[Suspect, Sequence[AnyMessage]], Awaitable[Sequence[Intervention]]]
"""Proposes what to change at a suspected message, knowing the channel; nothing when it sees no repair."""
Progress = Callable[[Fork], int]
"""How near a history comes to what should have come out, in parts per million; see `answers_right`."""

ENOUGH_PPM = 666_666
"""Two of three replays that turn the outcome validate a repair; three and two in the card's reading of the paper."""
NEARER_PPM = 200_000
"""So much more progress counts as partly: 20 % in the card's reading of the paper."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One hypothesis, what was changed for it, and what came of that."""

    suspects: tuple[Suspect, ...]
    """One, or two whose repairs were tried together; none for the control."""
    edits: tuple[Intervention, ...]
    verdict: Verdict | Literal["control"]
    turned: int
    """In how many of the replays the outcome was right."""
    progress_ppm: int
    """How near they came to it on average."""
    forks: tuple[Fork, ...]
    why: str
    """What the verdict rests on."""


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """What was tried to find out why a run came out wrong: a tree of alternative histories."""

    channel: str
    answer: str | None
    control: Tried
    """The re-run without a repair: what was said after the first suspect is asked anew."""
    tried: tuple[Tried, ...]
    untried: tuple[Suspect, ...]
    """Suspects for whom no replay was left, or no repair was proposed."""

    def of(self, verdict: Verdict) -> tuple[Tried, ...]:
        """Return what came to a verdict."""
        return tuple(tried for tried in self.tried if tried.verdict == verdict)

    @property
    def replays(self) -> int:
        """How many histories were run, the control's included."""
        return sum(len(tried.forks) for tried in (self.control, *self.tried))

    @property
    def calls_live(self) -> int:
        """How many calls were made anew."""
        return sum(fork.calls_live for tried in (self.control, *self.tried) for fork in tried.forks)

    def to_plain(self) -> dict[str, Any]:
        """Return the tree as plain values, for JSON; ids in hexadecimal."""
        return {
            "channel": self.channel,
            "answer": self.answer,
            "control": _plain(self.control),
            "tried": [_plain(tried) for tried in self.tried],
            "untried": [_plain_suspect(suspect) for suspect in self.untried],
            "replays": self.replays,
            "calls_live": self.calls_live,
        }

    def __str__(self) -> str:
        """Return the tree as lines of text."""
        lines = [f"{self.channel}: {self.answer if self.answer is not None else 'no answer'}"]
        branches = [self.control, *self.tried]
        for n, tried in enumerate(branches):
            last = n == len(branches) - 1 and not self.untried
            lines += _branch(tried, last=last)
        lines += [f"└─ not tried: {', '.join(f'{s.peer} ({s.why})' for s in self.untried)}"] if self.untried else []
        return "\n".join(lines)


async def debug(
    log: Log,
    channel: str,
    right: str | Right,
    *,
    peers: Peers,
    mend: Mend | None = None,
    contracts: Sequence[Contract] | None = None,
    replays: int = 6,
    runs: int = 1,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Diagnosis:
    """Find the messages on account of which a run came out wrong, by changing them and running on.

    Args:
        log: holds the channel; every replay is kept in it, as a fork.
        channel: the run that came out wrong.
        right: the answer that should have come out, or what says whether one is right.
        peers: gives the live peers that are asked anew.
        mend: proposes the change for a suspect; it is unsaid when None.
        contracts: the first violation of these is the first suspect; the built-in ones when None.
        replays: how many histories may be run in all, the control's included, ≥ 2.
        runs: how often each repair is run, with other draws each time, ≥ 1; more than once for peers that draw.
        seed: of those draws. When None, the first run of each repair draws what the original drew; the control never
            does, since the same model asked the same with the same luck says the same.
        progress: how near a history comes; by default how many peers' last answers are right.

    Raises:
        UsageError: the run came out right, did not come to its end, or there are too few replays for a control and
            one repair.
    """
    if runs < 1 or replays < 2 * runs:
        raise UsageError(f"a control and one repair of {runs} runs each take {2 * runs} replays or more, got {replays}")
    is_right: Right = (lambda decision: decision.key == right) if isinstance(right, str) else right
    messages = log.read(channel)
    outcome = outcome_of(messages)
    if outcome is None:
        raise UsageError(f"channel {channel!r} did not come to its end: there is no outcome to find the reason of")
    bench = _Bench(log, channel, peers, runs, seed, is_right, progress or answers_right(right))
    return await bench.diagnose(messages, outcome.body, mend or unsay, contracts, replays)


async def unsay(suspect: Suspect, messages: Sequence[AnyMessage]) -> Sequence[Intervention]:
    """Propose that a suspected message was never said."""
    return [Unsay(suspect.id)]


def answers_right(right: str | Right) -> Progress:
    """Return what measures how many of the peers' last answers are right, in parts per million."""

    def measured(fork: Fork) -> int:
        if not isinstance(right, str):
            return UNIT if right(fork.decision) else 0
        last = {m.author: m.body.key for m in fork.messages if isinstance(m.body, Proposal)}
        return UNIT * sum(key == right for key in last.values()) // max(1, len(last))

    return measured


class _Bench:
    """Where histories are run and measured."""

    def __init__(
        self, log: Log, channel: str, peers: Peers, runs: int, seed: int | None, right: Right, progress: Progress
    ) -> None:
        self.log, self.channel, self.peers, self.runs, self.seed = log, channel, peers, runs, seed
        self.right, self.progress = right, progress
        self.was_ppm = 0

    async def diagnose(
        self,
        messages: Sequence[AnyMessage],
        outcome: Outcome,
        mend: Mend,
        contracts: Sequence[Contract] | None,
        replays: int,
    ) -> Diagnosis:
        as_it_was = await rerun(messages, peers=self.peers)
        if self.right(as_it_was.decision):
            raise UsageError(f"channel {self.channel!r} came out right ({outcome.key}): there is nothing to find")
        self.was_ppm = self.progress(as_it_was)
        listed = suspects(
            messages, lambda key: self.right(msgspec.structs.replace(as_it_was.decision, key=key)), contracts
        )
        control = await self.control(messages, listed)
        left = replays - len(control.forks)
        tried: list[Tried] = []
        untried: list[Suspect] = []
        for suspect in listed:
            edits = tuple(await mend(suspect, messages)) if left >= self.runs else ()
            if not edits:
                untried.append(suspect)
                continue
            tried.append(await self.tried((suspect,), edits, control))
            left -= self.runs
            if tried[-1].verdict == "validated":
                break
            together = _together(tried)
            if together is not None and left >= self.runs:
                one, other = together
                tried.append(await self.tried(one.suspects + other.suspects, one.edits + other.edits, control))
                left -= self.runs
        untried += [s for s in listed if s not in untried and not any(s in t.suspects for t in tried)]
        return Diagnosis(
            channel=self.channel, answer=outcome.key, control=control, tried=tuple(tried), untried=tuple(untried)
        )

    async def control(self, messages: Sequence[AnyMessage], listed: Sequence[Suspect]) -> Tried:
        """Run on from the earliest suspect without a repair, asking everybody anew."""
        order = {m.id: n for n, m in enumerate(messages)}
        at = min((s.id for s in listed), key=lambda id: order[id], default=messages[0].id)
        forks = [
            await intervene(self.log, self.channel, at=at, live="after", peers=self.peers, seed=self._luck(run))
            for run in range(self.runs)
        ]
        turned = sum(self.right(fork.decision) for fork in forks)
        return Tried(
            suspects=(), edits=(), verdict="control", turned=turned, progress_ppm=self._measured(forks),
            forks=tuple(forks), why=f"right in {turned} of {len(forks)} without a repair",
        )  # fmt: skip

    async def tried(self, whom: tuple[Suspect, ...], edits: tuple[Intervention, ...], control: Tried) -> Tried:
        """Run on with a repair; say what that shows."""
        forks: list[Fork] = []
        failure = ""
        for run in range(self.runs):
            try:
                forks.append(await intervene(self.log, self.channel, edits, peers=self.peers, seed=self._draw(run)))
            except (RunFailed, MissingRecord) as stopped:
                failure = str(stopped)
        turned, near = sum(self.right(fork.decision) for fork in forks), self._measured(forks)
        verdict, why = self._verdict(forks, turned, near, control, failure)
        return Tried(
            suspects=whom, edits=edits, verdict=verdict, turned=turned, progress_ppm=near, forks=tuple(forks), why=why
        )

    def _verdict(
        self, forks: Sequence[Fork], turned: int, near: int, control: Tried, failure: str
    ) -> tuple[Verdict, str]:
        if not forks:
            return "inconclusive", f"it could not be run: {failure}"
        if not any(map(_taken_up, forks)):
            return "inconclusive", "nobody took it up: nothing else was said for it" + (
                ", only the count is another" if turned else ""
            )
        if turned * UNIT >= ENOUGH_PPM * self.runs:
            if control.turned * len(forks) >= turned * len(control.forks):
                return "inconclusive", f"right in {turned} of {len(forks)}, but without it as often: luck"
            return "validated", f"right in {turned} of {len(forks)}; without it in {control.turned}"
        if near >= max(self.was_ppm, control.progress_ppm) + NEARER_PPM:
            return "partly", f"nearer by {(near - self.was_ppm) / UNIT:.0%}, and not right"
        return "refuted", "it was heard, and what came out is no better"

    def _measured(self, forks: Sequence[Fork]) -> int:
        return sum(map(self.progress, forks)) // max(1, len(forks))

    def _draw(self, run: int) -> int | None:
        """Return by which seed a repair's run draws; None for the original's own draws."""
        return run or None if self.seed is None else self.seed + run

    def _luck(self, run: int) -> int:
        """Return by which seed the control's run draws."""
        return run + 1 if self.seed is None else self.seed + run


def _taken_up(fork: Fork) -> bool:
    """Say whether anybody said something else than what was put into its mouth."""
    edited = {id for edit in fork.edits if (id := getattr(edit, "id", None)) is not None}
    return any(change.was is None or change.was.id not in edited for change in fork.changed)


def _together(tried: Sequence[Tried]) -> tuple[Tried, Tried] | None:
    """Return two repairs that each help partly and were not tried together yet; the best first."""
    single = [t for t in tried if t.verdict == "partly" and len(t.suspects) == 1]
    done = {frozenset(s.id for s in t.suspects) for t in tried}
    pairs = [(a, b) for a, b in combinations(single, 2) if frozenset((a.suspects[0].id, b.suspects[0].id)) not in done]
    return max(pairs, key=lambda pair: pair[0].progress_ppm + pair[1].progress_ppm, default=None)


def _plain(tried: Tried) -> dict[str, Any]:
    return {
        "verdict": tried.verdict,
        "why": tried.why,
        "suspects": [_plain_suspect(suspect) for suspect in tried.suspects],
        "edits": [as_plain(edit) for edit in tried.edits],
        "turned": tried.turned,
        "progress_ppm": tried.progress_ppm,
        "forks": [
            {
                "channel": f.channel,
                "answer": f.decision.key,
                "calls_live": f.calls_live,
                "calls_recorded": f.calls_recorded,
            }
            for f in tried.forks
        ],
    }


def _plain_suspect(suspect: Suspect) -> dict[str, Any]:
    return {**msgspec.structs.asdict(suspect), "id": suspect.id.hex()}


def _branch(tried: Tried, *, last: bool) -> list[str]:
    """Return one branch of the tree: the hypothesis, and its histories."""
    bar = " " if last else "│"
    what = "; ".join(told_intervention(edit) for edit in tried.edits) or "no repair, asked anew"
    whom = " and ".join(f"{s.peer} ({s.why})" for s in tried.suspects) or "control"
    lines = [
        f"{'└' if last else '├'}─ {tried.verdict}: {whom}" if tried.suspects else f"{'└' if last else '├'}─ {whom}"
    ]
    lines.append(f"{bar}    {what}: {tried.why}")
    for fork in tried.forks:
        answer = fork.decision.key if fork.decision.key is not None else "no answer"
        lines.append(f"{bar}    → {fork.channel}: {answer} ({fork.calls_live} calls anew)")
    return lines
