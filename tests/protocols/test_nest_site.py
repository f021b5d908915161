from collections import Counter
from collections.abc import Sequence

import pytest

from waggledance import Budget, Swarm
from waggledance.core import UNIT, Call, Message, Proposal, UsageError, Verdict
from waggledance.network import Silent, Simulated
from waggledance.protocols import Dance, NestSite
from waggledance.protocols._nest_site import standing
from waggledance.testing import Opinionated, Run, simulate


class Scout(Opinionated):
    """Proposes one site and grades sites from a table; counts how often it looks."""

    def __init__(self, name: str, site: str | None, grades: dict[str, float]) -> None:
        super().__init__(name)
        self.site, self.grades = site, grades
        self.looked: list[str | None] = []

    async def propose(self, call: Call) -> Proposal:
        return Proposal.of(self.site, f"{self.name} found {self.site}")

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        self.looked.append(proposal.body.key)
        grade = self.grades.get(proposal.body.key or "", 0.0)
        return Verdict((proposal.id,), (round(grade * UNIT),), f"{self.name} saw {proposal.body.key}")


def swarm_of(sites: Sequence[str | None], grades: dict[str, float]) -> list[Scout]:
    return [Scout(f"p{i}", site, grades) for i, site in enumerate(sites)]


def dances(run: Run, tick: int) -> list[Message[Dance]]:
    return [m for m in run.log if isinstance(m.body, Dance) and m.body.round == tick]


def ticks(run: Run) -> int:
    return 1 + max(m.body.round for m in run.log if isinstance(m.body, Dance))


@pytest.mark.parametrize("seed", range(1, 7))
def test_one_finder_of_a_good_site_wins_over_nine_of_poor_ones(seed: int) -> None:
    scouts = swarm_of(["good"] + ["poor"] * 9, {"good": 1.0, "poor": 0.3})
    run = simulate(NestSite(quorum=0.8, rounds=60), "where?", peers=scouts, seed=seed)
    assert run.decision.key == "good"
    assert run.decision.share("good") >= 0.8


def test_a_scout_looks_at_a_site_at_most_once_and_never_dances_for_one_it_has_not_seen() -> None:
    scouts = swarm_of(["a", "a", "b", "b", "c", "c", "a", "b"], {"a": 0.8, "b": 0.6, "c": 0.4})
    run = simulate(NestSite(quorum=1.0, rounds=20), "where?", peers=scouts, seed=3)
    names = run.decision.names
    looked = {scout.name: scout.looked for scout in scouts}
    for scout in scouts:
        assert len(set(scout.looked)) == len(scout.looked)
    danced = {(names[m.author], m.body.site) for m in run.log if isinstance(m.body, Dance) and m.body.strength_ppm}
    assert any(site != scouts[int(name[1:])].site for name, site in danced), "somebody was recruited"
    assert all(site in looked[name] for name, site in danced)


def test_a_dance_starts_at_the_grade_and_loses_the_same_every_tick() -> None:
    scouts = swarm_of(["a"] * 4, {"a": 1.0})
    run = simulate(NestSite(quorum=1.0, rounds=6, decay=0.3), "where?", peers=scouts, seed=1)
    assert ticks(run) == 1, "all stand at one site at once"
    scouts = swarm_of(["a", "b", "c", None], {"a": 1.0, "b": 1.0, "c": 1.0})
    run = simulate(NestSite(quorum=1.0, rounds=3, decay=0.3, stop=0.0), "where?", peers=scouts, seed=1)
    [ada] = [id for id, name in run.decision.names.items() if name == "p0"]
    strengths = [m.body.strength_ppm for tick in range(3) for m in dances(run, tick) if m.author == ada]
    assert strengths == [1_000_000, 700_000, 400_000]


def test_who_follows_a_dance_stays_with_a_chance_equal_to_its_own_grade() -> None:
    finder = Scout("p0", "a", {"a": 1.0})
    followers = [Scout(f"p{i}", None, {"a": 0.3}) for i in range(1, 200)]
    run = simulate(NestSite(quorum=1.0, rounds=2), "where?", peers=[finder, *followers], seed=1)
    there = sum(m.body.site == "a" for m in dances(run, 1)) - 1
    assert abs(there / 199 - 0.3) < 0.1


def test_a_dance_is_followed_in_proportion_to_its_strength() -> None:
    strong, weak = Scout("p0", "a", {"a": 1.0}), Scout("p1", "b", {"b": 0.25})
    followers = [Scout(f"p{i}", None, {"a": 1.0, "b": 1.0}) for i in range(2, 200)]
    for seed in range(1, 50):
        run = simulate(NestSite(quorum=1.0, rounds=2), "where?", peers=[strong, weak, *followers], seed=seed)
        if {m.body.site for m in dances(run, 0)} == {"a", "b", None}:
            break
    else:
        pytest.fail("a scout that grades its site .25 never stayed there in 49 runs")
    by_site = Counter(m.body.site for m in dances(run, 1))
    assert abs(by_site["a"] / (by_site["a"] + by_site["b"]) - 0.8) < 0.1


def test_a_scout_without_a_site_of_its_own_is_recruited() -> None:
    scouts = swarm_of(["a", "a", None, None], {"a": 1.0})
    run = simulate(NestSite(quorum=1.0), "where?", peers=scouts, seed=1)
    assert run.decision.key == "a"
    assert run.decision.support == {"a": 4 * UNIT}
    assert scouts[2].looked == ["a"]


def test_the_first_tick_with_a_quorum_ends_it() -> None:
    scouts = swarm_of(["good"] + ["poor"] * 9, {"good": 1.0, "poor": 0.3})
    run = simulate(NestSite(quorum=0.7, rounds=60), "where?", peers=scouts, seed=2)
    most = [max(standing(dances(run, tick), {}).values()) for tick in range(ticks(run))]
    assert most[-1] >= 7 * UNIT
    assert all(there < 7 * UNIT for there in most[:-1])


def test_stop_signals_go_to_dancers_for_rivals_and_each_shortens_a_dance_by_the_same() -> None:
    scouts = swarm_of(["a"] * 6 + ["b"] * 6, {"a": 1.0, "b": 1.0})
    run = simulate(NestSite(quorum=1.0, rounds=12, decay=0.1, stop=0.3), "where?", peers=scouts, seed=5)
    shortened = silenced = 0
    for tick in range(1, ticks(run)):
        before = {m.author: m.body for m in dances(run, tick - 1)}
        for message in dances(run, tick):
            for whom in message.body.stops:
                assert before[whom].strength_ppm, "a stop signal goes to one who was seen dancing"
                assert before[whom].site != message.body.site, "and for a rival"
        for message in dances(run, tick):
            me = before[message.author]
            stoppers = [b.site for b in before.values() if message.author in b.stops and b.site != me.site]
            left = me.strength_ppm - 100_000 - 300_000 * len(stoppers)
            if left > 0:
                assert (message.body.site, message.body.strength_ppm) == (me.site, left)
                shortened += len(stoppers)
            elif stoppers and me.strength_ppm > 100_000:
                assert message.body.site is None or message.body.strength_ppm == UNIT, "it left, or follows anew"
                silenced += 1
    assert shortened
    assert silenced


def test_without_stop_signals_no_dance_is_cut_short() -> None:
    scouts = swarm_of(["a"] * 6 + ["b"] * 6, {"a": 1.0, "b": 1.0})
    run = simulate(NestSite(quorum=1.0, rounds=4, decay=0.2, stop=0.0), "where?", peers=scouts, seed=5)
    assert [{m.body.strength_ppm for m in dances(run, tick)} for tick in range(4)] == [
        {1_000_000}, {800_000}, {600_000}, {400_000},
    ]  # fmt: skip


def test_a_scout_that_remembers_never_moves_to_a_site_it_finds_worse() -> None:
    grades = {"a": 0.9, "b": 0.6, "c": 0.5}
    for remembers, worse in ((True, False), (False, True)):
        moved = False
        for seed in range(1, 5):
            scouts = swarm_of(["a", "b", "b", "b", "c", "c", "c", "b"], grades)
            protocol = NestSite(quorum=1.0, remembers=remembers, stop=0.0)
            run = simulate(protocol, "where?", peers=scouts, seed=seed)
            for tick in range(1, ticks(run)):
                before = {m.author: m.body.site for m in dances(run, tick - 1)}
                moved |= any(
                    grades[m.body.site] < grades[str(before[m.author])]
                    for m in dances(run, tick)
                    if m.body.site is not None and before[m.author] is not None
                )
        assert moved is worse


def test_a_floor_on_which_nobody_dances_ends_it_without_a_quorum() -> None:
    scouts = swarm_of(["a", "b", "c"], {})
    run = simulate(NestSite(otherwise="undecided"), "where?", peers=scouts, seed=1)
    assert ticks(run) == 1
    assert run.decision.status == "undecided"
    assert "no quorum" in run.decision.notes[0]


@pytest.mark.parametrize(("otherwise", "status"), [("leader", "decided"), ("undecided", "undecided")])
def test_ticks_that_run_out_leave_the_leader_or_nothing_and_the_note_says_so(otherwise: str, status: str) -> None:
    protocol = NestSite(quorum=1.0, rounds=2, otherwise=otherwise)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    run = simulate(protocol, "where?", peers=swarm_of(["a", "a", "b", "c"], {"a": 1.0, "b": 1.0, "c": 1.0}), seed=1)
    assert run.decision.status == status
    assert any("no quorum: the leading answer has 2 of 4 peers, 4 were needed" in note for note in run.decision.notes)


def test_calls_that_run_out_leave_scouts_at_the_sites_they_found() -> None:
    scouts = swarm_of(["a", "a", "b", "a"], {"a": 1.0, "b": 1.0})
    decision = Swarm(scouts, network=Simulated(seed=1), protocol=NestSite()).ask_sync("where?", budget=Budget(calls=4))
    assert decision.key == "a"
    assert decision.support == {"a": 3 * UNIT, "b": UNIT}


def test_a_silent_scout_is_waited_for_once_and_counts_against_the_quorum() -> None:
    scouts = swarm_of(["a"] * 4, {"a": 1.0})
    faults = [Silent("p3")]
    run = simulate(NestSite(quorum=0.7, patience_s=30), "where?", peers=scouts, seed=1, faults=faults)
    assert run.decision.key == "a"
    assert run.decision.confidence == 0.75
    assert run.virtual_s < 31
    run = simulate(NestSite(quorum=0.8, patience_s=30, rounds=3), "where?", peers=scouts, seed=1, faults=faults)
    assert any("3 of 4 peers" in note for note in run.decision.notes)


def test_the_words_of_the_finder_present_the_decision_and_what_scouts_saw_is_told() -> None:
    scouts = swarm_of(["a", "b", None, None], {"a": 1.0, "b": 0.2})
    run = simulate(NestSite(quorum=0.75), "where?", peers=scouts, seed=3)
    assert run.decision.text == "p0 found a"
    reasons = {m.body.reason for m in run.log if isinstance(m.body, Dance)}
    assert "p0 saw a" in reasons


@pytest.mark.parametrize(
    "wrong", [{"quorum": 0.0}, {"quorum": 1.1}, {"rounds": 0}, {"decay": 0.0}, {"stop": -0.1}, {"otherwise": "guess"}]
)
def test_options_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        NestSite(**wrong)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_dance_for_nothing_is_no_dance() -> None:
    with pytest.raises(UsageError, match="recruits for nothing"):
        Dance(site=None, strength_ppm=1)
    with pytest.raises(UsageError, match="between 0 and"):
        Dance(site="a", strength_ppm=UNIT + 1)
