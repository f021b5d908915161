"""Judges: peers who grade a result. One passes it by its grade, several by the mean or by a rule of consensus."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from blake3 import blake3

from waggledance.consensus import Rule
from waggledance.core import (
    UNIT,
    Budget,
    Call,
    Cost,
    LoopClock,
    Message,
    MessageId,
    Meter,
    Peer,
    Proposal,
    Question,
    RunFailed,
    UsageError,
    local_peer_id,
    swarm_id,
    well_formed,
)  # fmt: skip
from waggledance.tasks._check import Check, Finding
from waggledance.tasks._task import Task

_PASS, _FAIL = "pass", "fail"
_MAX_SEED = 0x7FFF_FFFF


def judges(peers: Sequence[Peer], *, least_ppm: int = 700_000, rule: Rule | None = None) -> Check:
    """Return the check that peers grade a result well enough.

    By the mean of grades where there is no rule: without a liar the mean is better than the median. With a rule each
    judge says "pass" or "fail" by its own grade, and the rule decides. Who does not answer has no say.

    Args:
        peers: who judges; each has the skill ``"critique"``. None of them should have made the result.
        least_ppm: the least grade that passes, 0 to 1,000,000.
        rule: turns the judges' votes into one; the mean of their grades decides when None.

    Raises:
        UsageError: nobody judges, somebody cannot, or two have one name; the threshold is out of range.
        RunFailed (from the check): no judge answered.

    Source: GX-XinGao et al. 2025, "GRA", arXiv:2504.12322; the mean by our own simulation of it.
    """
    cannot = [peer.name for peer in peers if "critique" not in peer.skills]
    if not peers or cannot:
        raise UsageError(f"judges are peers who can critique; {', '.join(cannot) or 'nobody'} cannot")
    if len({peer.name for peer in peers}) < len(peers):
        raise UsageError(f"two judges have one name: {[peer.name for peer in peers]}")
    if not 0 <= least_ppm <= UNIT:
        raise UsageError(f"a grade lies between 0 and {UNIT} parts per million, got least_ppm={least_ppm}")

    async def check(task: Task, result: str) -> Finding:
        asked = _proposal(task, "whoever did it", Proposal(key=None, text=well_formed(result)))
        given = await asyncio.gather(*(_grade(peer, task, asked) for peer in peers))
        grades = {peer.name: grade for peer, grade in zip(peers, given, strict=True) if not isinstance(grade, str)}
        if not grades:
            raise RunFailed(f"no judge answered: {'; '.join(why for why in given if isinstance(why, str))}")
        cost = sum((cost for _, _, cost in grades.values()), Cost())
        mean = sum(score for score, _, _ in grades.values()) // len(grades)
        passed = (
            mean >= least_ppm if rule is None else _by_rule(rule, task, {n: g[0] for n, g in grades.items()}, least_ppm)
        )
        worst = sorted((score, name, why) for name, (score, why, _) in grades.items())
        reasons = "; ".join(f"{name} gave {score / UNIT:.2f}: {why}" for score, name, why in worst)
        return Finding(passed, reasons, mean, cost)

    return check


def disputed(scores_ppm: Sequence[int], least_ppm: int) -> bool:
    """Say whether leaving out one grade would turn the mean's yes into a no, or the other way round.

    Only then does a ruling by one more pay: of the spread of grades, which the paper goes by, it does not.
    Fewer than two grades are never disputed.

    >>> disputed([900_000, 800_000, 200_000], 700_000), disputed([900_000, 800_000, 750_000], 700_000)
    (True, False)
    """
    if len(scores_ppm) < 2:
        return False
    total, n = sum(scores_ppm), len(scores_ppm)
    passed = total >= least_ppm * n
    return any((total - score >= least_ppm * (n - 1)) != passed for score in scores_ppm)


async def _grade(peer: Peer, task: Task, asked: Message[Proposal]) -> tuple[int, str, Cost] | str:
    """Return a peer's grade, reason and cost, or why there is none."""
    seed = int.from_bytes(blake3(b"waggle/judge/1\0" + task.id + asked.id + peer.name.encode()).digest(4)) & _MAX_SEED
    call = Call(
        Question(text=task.goal, expects="free"), 0, local_peer_id(peer.name), {}, lambda _: seed, 1,
        Meter(Budget(), LoopClock()),
    )  # fmt: skip
    try:
        verdict = await peer.critique(call, asked)
    except RunFailed as why:
        return f"{peer.name}: {why}"
    return verdict.scores[0], verdict.reason, call.cost


def _by_rule(rule: Rule, task: Task, scores: dict[str, int], least_ppm: int) -> bool:
    votes = [
        _proposal(task, name, Proposal(key=_PASS if score >= least_ppm else _FAIL, confidence_ppm=score))
        for name, score in scores.items()
    ]
    return rule(sorted(votes), (), {}).key == _PASS


def _proposal(task: Task, author: str, said: Proposal) -> Message[Proposal]:
    """Return words as judges and rules read them, outside any channel."""
    id = MessageId(blake3(b"waggle/judged/1\0" + task.id + author.encode() + b"\0" + said.text.encode()).digest())
    return Message(id, local_peer_id(author), said, 1, None, (), 1, 0, swarm_id("checks"), task.id.hex())
