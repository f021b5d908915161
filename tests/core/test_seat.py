"""A seat: the only thing a protocol sees. It counts what is spent, and a peer that cannot answer abstains."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from waggledance.core import (
    Budget,
    Call,
    Channel,
    Cost,
    LoopClock,
    Message,
    Meter,
    Note,
    Proposal,
    Question,
    RunFailed,
    Seat,
    Table,
    UsageError,
    Verdict,
    after,
    encode,
    everyone,
    local_peer_id,
    swarm_id,
)

ADA, BEA = WHO = tuple(local_peer_id(name) for name in ("ada", "bea"))


class Thinker:
    """A peer whose every skill costs ten tokens, and which fails or dawdles when told to."""

    name = "ada"
    skills = frozenset({"propose", "revise", "note", "compare", "critique"})

    def __init__(self, fails: str = "", takes_s: float = 0.0) -> None:
        self.fails, self.takes_s = fails, takes_s
        self.seeds: list[int] = []
        self.guides: list[tuple[Message[Note], ...]] = []
        self.words = "it is 5"
        self.running = self.most_running = 0

    async def _think(self, call: Call) -> None:
        self.seeds.append(call.seed)
        self.guides.append(call.guide)
        self.running += 1
        self.most_running = max(self.running, self.most_running)
        await asyncio.sleep(self.takes_s)
        self.running -= 1
        call.charge(Cost(prompt_tokens=8, completion_tokens=2))
        if self.fails:
            raise RunFailed(self.fails)

    async def propose(self, call: Call) -> Proposal:
        await self._think(call)
        return Proposal.of("4", "it is 4", confidence=0.5)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        await self._think(call)
        return Proposal.of("5", self.words)

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        await self._think(call)
        return f"cafe\u0301 {about} of {len(material)}"

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        await self._think(call)
        return Verdict(subjects=(a.id, b.id), scores=(1_000_000, 0))

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        await self._think(call)
        return Verdict(subjects=(proposal.id,), scores=(700_000,))


def a_seat(peer: Thinker | None = None, budget: Budget | None = None, seed: int = 0, channel: str = "q1") -> Seat:
    table = Table(Question(text="2+2?"), WHO, dict(zip(WHO, ("ada", "bea"), strict=True)), {}, seed)
    clock = LoopClock()
    return Seat(
        me=ADA, peer=peer or Thinker(), table=table, channel=Channel(swarm_id("bees"), channel), clock=clock,
        meter=Meter(budget or Budget(), clock),
    )  # fmt: skip


async def test_a_proposal_carries_its_round_and_what_it_cost() -> None:
    proposal = await a_seat().propose(3)
    assert (proposal.key, proposal.round, proposal.confidence_ppm) == ("4", 3, 500_000)
    assert proposal.cost == Cost(calls=1, prompt_tokens=8, completion_tokens=2)


async def test_a_peer_that_fails_abstains_and_says_why() -> None:
    proposal = await a_seat(Thinker(fails="the endpoint is down")).propose()
    assert (proposal.key, proposal.lapse) == (None, "the endpoint is down")


async def test_what_a_failed_call_has_cost_is_counted() -> None:
    seat = a_seat(Thinker(fails="the endpoint is down"))
    await seat.propose()
    assert seat.meter.cost == Cost(calls=1, prompt_tokens=8, completion_tokens=2)


async def test_every_skill_abstains_when_the_budget_is_spent_and_nobody_is_asked() -> None:
    peer = Thinker()
    seat = a_seat(peer, Budget(tokens=10))
    mine = await seat.publish(await seat.propose())
    asked = len(peer.seeds)
    proposal, revision = await seat.propose(1), await seat.revise(mine, ())
    comparison, critique = await seat.compare([(mine, mine)]), await seat.critique([mine])
    assert len(peer.seeds) == asked == 1
    assert (proposal.key, revision.key) == (None, "4")
    assert comparison.verdicts == critique.verdicts == ()
    assert all("the budget of 10 tokens is spent" in said.lapse for said in (proposal, revision, comparison, critique))
    assert seat.meter.cost.tokens == 10


async def test_a_peer_that_cannot_revise_repeats_its_answer_and_says_why() -> None:
    peer = Thinker()
    seat = a_seat(peer)
    mine = await seat.publish(await seat.propose())
    peer.fails = "out of memory"
    again = await seat.revise(mine, ())
    assert (again.key, again.text, again.confidence_ppm) == (mine.body.key, mine.body.text, mine.body.confidence_ppm)
    assert (again.round, again.refs, again.lapse) == (1, (mine.id,), "out of memory")


async def test_a_revision_names_what_it_was_made_from_its_own_first() -> None:
    seat = a_seat()
    mine = await seat.publish(await seat.propose())
    other = seat._channel.publish(BEA, Proposal(key="5"), [], 0)
    revised = await seat.revise(mine, [other])
    assert (revised.refs, revised.round) == ((mine.id, other.id), 1)


async def test_a_note_carries_what_it_is_about_its_round_what_it_was_made_from_and_its_cost() -> None:
    seat = a_seat()
    mine = await seat.publish(await seat.propose())
    note = await seat.note("outline", [mine], 2)
    assert (note.about, note.text, note.round, note.refs) == ("outline", "café outline of 1", 2, (mine.id,))
    assert (note.cost, note.lapse) == (Cost(calls=1, prompt_tokens=8, completion_tokens=2), "")


async def test_a_peer_that_cannot_write_a_note_publishes_an_empty_one_that_says_why() -> None:
    failed = await a_seat(Thinker(fails="the endpoint is down")).note("outline")
    assert (failed.about, failed.text, failed.lapse) == ("outline", "", "the endpoint is down")
    peer = Thinker()
    spent = await a_seat(peer, Budget(calls=0)).note("outline")
    assert (spent.text, peer.seeds) == ("", [])
    assert "0 calls" in spent.lapse


@pytest.mark.parametrize("about", ["", "Outline", "an outline", "../system", "-x", "x--y", "out\nline", "x" * 33])
async def test_what_a_note_is_about_is_a_short_name(about: str) -> None:
    peer = Thinker()
    with pytest.raises(UsageError, match="hyphens"):
        await a_seat(peer).note(about)
    assert peer.seeds == []


async def test_answers_under_a_guide_see_it_and_name_it() -> None:
    peer = Thinker()
    seat = a_seat(peer)
    outline = seat._channel.publish(BEA, Note(about="outline", text="count them"), [], 0)
    mine = await seat.publish(await seat.propose(guide=[outline]))
    heard = seat._channel.publish(BEA, Proposal(key="5"), [], 0)
    revised = await seat.revise(mine, [heard], guide=[outline])
    assert peer.guides == [(outline,), (outline,)]
    assert mine.body.refs == (outline.id,)
    assert revised.refs == (mine.id, outline.id, heard.id)
    assert (await seat.propose()).refs == ()
    peer.fails = "out of memory"
    assert (await seat.propose(guide=[outline])).refs == (outline.id,)


@pytest.mark.parametrize("words", ["it is 5", "5" * 60_000, "é" * 26_000, "𝟝" * 16_250])
async def test_a_revision_after_hearing_thousands_fits_into_a_body_and_names_its_own_first(words: str) -> None:
    peer = Thinker()
    peer.words = words
    seat = a_seat(peer)
    mine = await seat.publish(await seat.propose())
    heard = [seat._channel.publish(BEA, Proposal(key=str(n)), [], 0) for n in range(2_500)]
    revised = await seat.revise(mine, heard)
    published = await seat.publish(revised)
    refs = published.body.refs
    assert refs == (mine.id, *[m.id for m in heard])[: len(refs)]
    assert 64 * 1024 - len(encode(published)) < 700, "as many are named as fit"


async def test_of_many_verdicts_those_that_could_be_given_are_kept() -> None:
    peer = Thinker()
    seat = a_seat(peer, Budget(calls=3))
    mine = await seat.publish(await seat.propose())
    judgement = await seat.critique([mine] * 5, 1)
    assert len(judgement.verdicts) == 2
    assert "3 calls" in judgement.lapse
    assert judgement.cost.calls == 2
    assert seat.meter.calls == 3


async def test_comparisons_run_together() -> None:
    peer = Thinker(takes_s=0.001)
    seat = a_seat(peer)
    mine = await seat.publish(await seat.propose())
    judgement = await seat.compare([(mine, seat._channel.publish(BEA, Proposal(key=str(n)), [], 0)) for n in range(4)])
    assert (len(judgement.verdicts), peer.most_running) == (4, 4)


async def test_a_skill_is_stopped_when_the_time_of_the_run_is_over() -> None:
    proposal = await a_seat(Thinker(takes_s=60), Budget(seconds=0.01)).propose()
    assert proposal.key is None
    assert "0.01 seconds" in proposal.lapse


async def test_waiting_ends_when_the_time_of_the_run_is_over() -> None:
    seat = a_seat(budget=Budget(seconds=0.01))
    await seat.publish(Proposal(key="4"))
    assert len(await seat.collect(Proposal, until=everyone)) == 1
    await seat.sleep(60)


async def test_a_message_beyond_the_budget_is_not_published_and_what_was_heard_is_kept() -> None:
    seat = a_seat(budget=Budget(messages=1))
    await seat.publish(Proposal(key="4"))
    with pytest.raises(RunFailed, match="1 messages"):
        await seat.publish(Proposal(key="5"))
    assert len(seat._channel) == 1


async def test_a_message_builds_on_what_was_collected_since_the_last() -> None:
    seat = a_seat()
    other = seat._channel.publish(BEA, Proposal(key="5"), [], 0)
    await seat.publish(Proposal(key="4"))
    await seat.collect(Proposal, until=everyone | after(5))
    second, third = await seat.publish(Proposal(key="4", round=1)), await seat.publish(Proposal(key="4", round=2))
    assert (second.parents, third.parents) == ((other.id,), ())


async def test_the_same_seed_channel_and_peer_draw_the_same_numbers_and_others_do_not() -> None:
    async def drawn(seed: int, channel: str) -> tuple[float, tuple[int, ...]]:
        peer = Thinker()
        seat = a_seat(peer, seed=seed, channel=channel)
        await seat.propose()
        await seat.propose()
        return seat.rng.random(), tuple(peer.seeds)

    first = await drawn(0, "q1")
    assert await drawn(0, "q1") == first
    others = [await drawn(1, "q1"), await drawn(0, "q2")]
    assert len({first, *others}) == 3
    assert len({*first[1], *others[0][1], *others[1][1]}) == 6
    assert all(0 <= seed < 2**31 for seed in first[1])


async def test_a_re_run_has_the_luck_of_another_peers_first_call() -> None:
    mine, again = Thinker(), Thinker()
    seat = a_seat(mine)
    await seat.propose()
    await seat.propose(luck_of=BEA)
    await seat.propose(luck_of=seat.me)
    await a_seat(again).propose(luck_of=BEA)
    assert mine.seeds[0] == mine.seeds[2] != mine.seeds[1] == again.seeds[0]


async def test_a_seat_knows_who_sits_where_and_what_is_asked() -> None:
    seat = a_seat(seed=9)
    said = await seat.publish(Proposal(key="4"))
    assert (seat.name, seat.channel, seat.roster, seat.seed) == ("ada", "q1", WHO, 9)
    assert (seat.question.text, seat.find(said.id), seat.said(Proposal)) == ("2+2?", said, (said,))
