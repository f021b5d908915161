from collections.abc import Callable, Sequence
from random import Random

import pytest

from waggledance.core import Message, MessageId, PeerId, UsageError, local_peer_id, swarm_id
from waggledance.tasks import Agreed, BehaviourRun, agreed, functional_consensus, runners

ROSTER = [local_peer_id(name) for name in "abcde"]
INPUTS = [f"({x},)" for x in range(12)]
Truth = Callable[[str, str], str]


def report(peer: PeerId, program: str, input: str, output: str) -> Message[BehaviourRun]:
    body = BehaviourRun.of(program, input, output)
    id = MessageId((peer + body.program + body.input + (body.output or b""))[-32:])
    return Message(id, peer, body, 1, None, (), 1, 0, swarm_id("s"), "c")


def truth(rng: Random) -> tuple[list[str], Truth]:
    """Draw eleven programs; four are right, the others have one of six faults."""
    faults = {f"program {i} {rng.random()}": None if i < 4 else rng.randrange(6) for i in range(11)}
    shows = {(fault, x): rng.random() < 0.5 for fault in range(6) for x in INPUTS}
    return (
        list(faults),
        lambda program, x: (
            f"wrong {faults[program]}" if faults[program] is not None and shows[faults[program] or 0, x] else "right"
        ),
    )


def settled(programs: Sequence[str], true: Truth, liars: Sequence[PeerId], lie: Truth) -> tuple[Agreed, int]:
    """Run what is wanted until nothing is; return what is believed, and how many runs it took."""
    reports: list[Message[BehaviourRun]] = []
    while (now := agreed(programs, INPUTS, reports, ROSTER)).wanted:
        reports += [report(peer, p, x, (lie if peer in liars else true)(p, x)) for p, x, peer in now.wanted]
    return now, len(reports)


def lie_of(favour: str, programs: Sequence[str], true: Truth) -> Truth:
    """Return what a liar reports: of all that they do what the last one does, or of all right ones that they crash."""

    def lie(program: str, x: str) -> str:
        if favour == "the last":
            return true(programs[-1], x)
        if favour == "crashes":
            return "!" if true(program, x) == "right" else true(program, x)
        return f"lie {program} {x}"

    return lie


@pytest.mark.parametrize("favour", ["nobody", "the last", "crashes"])
def test_one_liar_of_five_changes_no_winner(favour: str) -> None:
    for seed in range(8):
        programs, true = truth(Random(seed))
        honest, runs = settled(programs, true, [], true)
        lied, more = settled(programs, true, ROSTER[:1], lie_of(favour, programs, true))
        assert lied.candidates == honest.candidates
        assert functional_consensus(lied.candidates).best < 4
        assert lied.denied in ((), (ROSTER[0],))
        assert (runs, honest.denied) == (2 * 11 * 12, ())
        assert more <= 3 * 11 * 12


def test_reports_are_a_set() -> None:
    programs, true = truth(Random(0))
    reports = [report(peer, p, x, true(p, x)) for p in programs for x in INPUTS for peer in runners(p, x, ROSTER)[:2]]
    first = agreed(programs, INPUTS, reports, ROSTER)
    assert first == agreed(programs, INPUTS, Random(1).sample(reports * 2, k=2 * len(reports)), ROSTER[::-1])
    assert not first.wanted


def test_who_says_two_things_about_one_pair_has_said_nothing() -> None:
    a, b, c = runners("p", "x", ROSTER)[:3]
    said = [report(a, "p", "x", "1"), report(a, "p", "x", "2"), report(b, "p", "x", "2")]
    assert agreed(["p"], ["x"], said, ROSTER).wanted == (("p", "x", c),)
    found = agreed(["p"], ["x"], [*said, report(c, "p", "x", "2")], ROSTER)
    assert (found.wanted, found.denied) == ((), (a,))


def test_strangers_do_not_count_and_runs_are_spread() -> None:
    stranger = local_peer_id("x")
    said = [report(stranger, "p", "x", "1")] * 2
    assert agreed(["p"], ["x"], said, ROSTER).candidates[0].outputs == (None,)
    firsts = [runners(f"p{i}", "x", ROSTER)[0] for i in range(500)]
    assert min(firsts.count(peer) for peer in ROSTER) > 60


def test_a_pair_that_all_have_run_and_nobody_agrees_on_stays_open_with_nobody_to_ask() -> None:
    said = [report(peer, "p", "x", str(i)) for i, peer in enumerate(ROSTER)]
    found = agreed(["p"], ["x"], said, ROSTER)
    assert (found.candidates[0].outputs, found.wanted) == ((None,), ())


@pytest.mark.parametrize("least", [0, 6])
def test_a_quorum_out_of_range_is_refused(least: int) -> None:
    with pytest.raises(UsageError, match="must report the same"):
        agreed(["p"], ["x"], [], ROSTER, least=least)
