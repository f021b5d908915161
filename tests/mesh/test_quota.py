"""What one asker may cost one member in an hour: bounded in sum, kept over lives, said to who is refused."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance import NobodyAnswered, Swarm
from waggledance.core import Budget, Cost, Decision, Meter, PeerId, UsageError
from waggledance.mesh import Mesh, Node, Quota, Quotas, QuotaSpent, Sitting
from waggledance.models import Scripted
from waggledance.peers import Agent
from waggledance.protocols import Debate, Vote
from waggledance.testing import SimulatedMesh, on_virtual_time

ASKER = PeerId(b"a" * 32)
OTHER = PeerId(b"b" * 32)
HOUR_MS = 3_600_000


class Wall:
    """A wall clock that is set by hand."""

    def __init__(self) -> None:
        self.ms = 1_700_000_000_000

    def __call__(self) -> int:
        return self.ms


class Standing:
    """Clocks that stand still."""

    def now(self) -> float:
        return 0.0

    def wall_ms(self) -> int:
        return 0


CLOCK = Standing()


def spend(meter: Meter, tokens: int) -> None:
    meter.admit_call()
    meter.charge(Cost(prompt_tokens=tokens))


def test_many_questions_of_one_asker_share_its_hour_and_another_asker_has_its_own() -> None:
    wall = Wall()
    quotas = Quotas(Quota(tokens=1_000), wall)
    for _ in range(9):
        assert quotas.spent(ASKER, begins=True) is None
        spend(quotas.meter(ASKER, Budget(), CLOCK), 101)
    why = quotas.spent(ASKER, begins=True)
    assert isinstance(why, QuotaSpent)
    assert (why.limit, why.allowed) == ("tokens", 1_000)
    assert "1,000 tokens an hour: ask again in 1 minute, or ask others" in str(why)
    assert quotas.spent(OTHER, begins=True) is None
    wall.ms += int(1_000 * why.wait_s) + 1
    assert quotas.spent(ASKER, begins=True) is None


def test_a_question_under_way_ends_where_the_hour_does() -> None:
    quotas = Quotas(Quota(tokens=300, calls=3), Wall())
    meter = quotas.meter(ASKER, Budget(tokens=200), CLOCK)
    assert meter.tokens_left() == 200
    spend(meter, 150)
    assert quotas.meter(ASKER, Budget(), CLOCK).tokens_left() == 150
    spend(meter, 150)
    again = quotas.meter(ASKER, Budget(), CLOCK)
    assert again.tokens_left() == 0
    with pytest.raises(QuotaSpent, match="300 tokens an hour"):
        again.admit_call()


def test_calls_are_bounded_as_tokens_are() -> None:
    quotas = Quotas(Quota(tokens=None, calls=2), Wall())
    for _ in range(2):
        spend(quotas.meter(ASKER, Budget(), CLOCK), 10**9)
    with pytest.raises(QuotaSpent, match="2 calls an hour"):
        quotas.meter(ASKER, Budget(), CLOCK).admit_call()


def test_a_quota_of_nothing_lets_no_question_begin() -> None:
    why = Quotas(Quota(calls=0), Wall()).spent(ASKER, begins=True)
    assert str(why) == "this member spends no calls on this asker's questions: ask others"


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(-HOUR_MS, HOUR_MS), st.integers(1, 400)), min_size=1, max_size=60))
def test_no_asker_gets_more_than_the_hours_that_passed_and_one_and_a_calls_worth(steps: list[tuple[int, int]]) -> None:
    wall, spent, passed_ms = Wall(), 0, 0
    quotas = Quotas(Quota(tokens=1_000, calls=None), wall)
    for wait_ms, tokens in steps:
        wall.ms += wait_ms  # a clock that is set back gives nothing
        passed_ms += max(0, wait_ms)
        if quotas.spent(ASKER) is None:
            quotas.count(ASKER, tokens=tokens)
            spent += tokens
        assert spent <= 1_000 * (1 + passed_ms / HOUR_MS) + 400


def test_what_was_spent_is_known_in_the_next_life_and_an_hour_later_forgotten(tmp_path: Path) -> None:
    wall, file = Wall(), tmp_path / "quotas.json"
    first = Quotas(Quota(tokens=1_000), wall, file)
    first.keep()
    assert not file.exists()
    first.count(ASKER, tokens=950)
    first.keep()
    second = Quotas(Quota(tokens=1_000), wall, file)
    assert second.tokens_left(ASKER) == 50
    assert second.spent(ASKER, begins=True) is not None
    wall.ms += HOUR_MS
    second.keep()
    assert file.read_text() == "{}"


def test_a_damaged_file_is_refused_and_an_impossible_quota_too(tmp_path: Path) -> None:
    file = tmp_path / "quotas.json"
    for damaged in ('{"zz": [1, 2, 3]}', '{"aa": [1]}', "\x00"):
        file.write_text(damaged)
        with pytest.raises(UsageError, match="is damaged"):
            Quotas(Quota(), Wall(), file)
    with pytest.raises(UsageError, match="an hour"):
        Quota(tokens=-1)


def sitting(node: Node, wall: Wall, quota: Quota) -> Sitting:
    return Sitting(node, Agent("p", Scripted("Answer: 4")), quotas=Quotas(quota, wall))


def test_attack_c5_who_asks_again_and_again_is_refused_by_each_member_and_told_why() -> None:
    wall = Wall()

    async def main() -> tuple[list[Decision], Decision, Decision, dict[str, int]]:
        async with SimulatedMesh(4) as mesh:
            for name in ("p0", "p1"):  # the others have the default quota
                await mesh.sittings[name].close()
                mesh.sittings[name] = sitting(mesh.nodes[name], wall, Quota(calls=20))
            flood = [await mesh.ask(f"{i}+2?", protocol=Vote(patience_s=3)) for i in range(30)]
            asking = Mesh(mesh.nodes["p2"])
            members = [m for m in mesh.genesis.members if m.weight]
            other = await Swarm(asking.peers(members), network=asking, protocol=Vote(patience_s=3)).ask("1+2?")
            wall.ms += HOUR_MS
            later = await mesh.ask("2+2?", protocol=Vote(patience_s=3), certify=True)
            return flood, other, later, {name: node.refused["quota"] for name, node in mesh.nodes.items()}

    flood, other, later, refused = on_virtual_time(main())
    answered = [4 - len(decision.silent) for decision in flood]
    assert answered == [4] * 19 + [2] * 11  # a tenth of the hour, 2 calls, must be left to begin
    told = {flood[-1].name(dissent.peer): dissent.reason for dissent in flood[-1].dissent if dissent.key is None}
    assert told.keys() == {"p0", "p1"}
    assert all("20 calls an hour: ask again in" in why for why in told.values())
    assert flood[-1].status == "decided"
    assert max(decision.seconds for decision in flood) < 1  # nobody waits for who refuses
    assert other.silent == ()
    assert later.silent == ()
    assert later.certificate
    assert refused == {"p0": 11, "p1": 11, "p2": 0, "p3": 0, "asker": 0}


def test_where_all_members_refuse_the_asker_is_told_why() -> None:
    async def main() -> tuple[str, float]:
        async with SimulatedMesh(2) as mesh:
            for name in ("p0", "p1"):
                await mesh.sittings[name].close()
                mesh.sittings[name] = sitting(mesh.nodes[name], Wall(), Quota(calls=0))
            began = mesh.clock.now()
            with pytest.raises(NobodyAnswered) as nobody:
                await mesh.ask("2+2?", protocol=Debate(rounds=2, patience_s=30))
            return str(nobody.value), mesh.clock.now() - began

    said, took_s = on_virtual_time(main())
    assert "this member spends no calls on this asker's questions: ask others" in said
    assert took_s < 2
