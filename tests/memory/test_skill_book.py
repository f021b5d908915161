"""What a swarm practised: ripens from its own decisions, shortens the next ones, and goes when it fails."""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from random import Random

import pytest

from waggledance import FunctionPeer, Swarm
from waggledance.core import Budget, Decision, Question, RunFailed, UnknownName, UsageError
from waggledance.memory import MemoryFull, Record, RecordStore, SkillBook, Where, judges_of
from waggledance.memory import _skill_book as skill_book
from waggledance.protocols import Debate, TwoFirst, Vote
from waggledance.topology import hashed_ngrams

PEERS = 5


class Crowd:
    """Peers that add two numbers, each wrong by its own amount as often as it is told to be."""

    def __init__(self, wrong: float = 0.0, *, alike: bool = False, seed: int = 0) -> None:
        self.wrong, self.alike, self.calls = wrong, alike, 0
        self._rng = Random(seed)

    def peers(self, n: int = PEERS) -> list[FunctionPeer]:
        return [FunctionPeer(f"p{i}", self._peer(i)) for i in range(n)]

    def _peer(self, i: int):  # type: ignore[no-untyped-def]
        def answer(question: str) -> str:
            self.calls += 1
            a, b = (int(word) for word in question.partition("\n\n")[0].split() if word.isdigit())
            off = (1 if self.alike else i + 1) if self._rng.random() < self.wrong else 0
            return f"I add {a} and {b}. Answer: {a + b + off}"

        return answer


def sums(n: int, start: int = 0) -> list[Question]:
    return [Question(text=f"How much is {i} + {2 * i} ?", expects="number") for i in range(start, start + n)]


async def asked(swarm: Swarm, questions: list[Question]) -> list[Decision]:
    return [await swarm.ask(question) for question in questions]


async def test_after_three_that_all_agreed_on_two_are_enough_and_answer_along_an_example() -> None:
    crowd, book, seen = Crowd(), SkillBook(), list[str]()
    swarm = Swarm(crowd.peers(), protocol=Vote(), skills=book)
    calls: list[int] = []
    async for event in swarm.watch(sums(1)[0]):
        assert event is not None
    for question in sums(11, 1):
        before = crowd.calls
        decision = await swarm.ask(question)
        assert decision.key == str(sum(int(w) for w in question.text.rstrip("?").split() if w.isdigit()))
        calls.append(crowd.calls - before)
        seen.append(decision.rule)
    assert calls == [5, 5] + [2] * 9
    assert seen == ["majority"] * 2 + ["two-first(majority)"] * 9
    [(words, skill)] = book.skills()
    assert (words, skill.stage, skill.right, skill.wrong) == ("number: how much is + ?", "mature", 10, 0)


async def test_the_example_stands_in_the_channel_and_only_the_first_of_the_two_is_shown_it() -> None:
    shown: list[str] = []

    class Reader(FunctionPeer):
        async def propose(self, call):  # type: ignore[no-untyped-def]
            shown.extend(f"{self.name}: {note.body.text}" for note in call.guide)
            return await super().propose(call)

    swarm = Swarm([Reader(f"p{i}", lambda _: "Answer: 4") for i in range(5)], protocol=Vote(), skills=SkillBook())
    for _ in range(4):
        await swarm.ask("2 + 2?", expects="number")
    assert len(shown) == 1
    assert shown[0].endswith("Question: 2 + 2?\n\nAnswer: 4")


async def test_what_a_minority_or_one_alone_says_never_ripens() -> None:
    crowd = Crowd(wrong=1.0)  # everybody errs in their own way
    book = SkillBook()
    swarm = Swarm(crowd.peers(), protocol=Vote(), skills=book)
    await asked(swarm, sums(6))
    one = Swarm(crowd.peers(1), protocol=Vote(samples=5), skills=book)
    await asked(one, sums(6))
    assert book.skills() == ()
    assert len(book.store) == 0


async def test_one_poisoned_success_commits_nothing_and_shows_nobody_its_words() -> None:
    book = SkillBook()
    poisoned = Crowd(wrong=1.0, alike=True)
    await asked(Swarm(poisoned.peers(), protocol=Vote(), skills=book), sums(1))
    [(_, skill)] = book.skills()
    assert (skill.stage, skill.usable) == ("detected", False)
    honest = Crowd()
    await asked(Swarm(honest.peers(), protocol=Vote(), skills=book), sums(1, 1))
    assert honest.calls == PEERS


async def test_a_skill_that_starts_failing_costs_no_answer_and_is_gone_within_ten_uses() -> None:
    crowd, book = Crowd(), SkillBook()
    swarm = Swarm(crowd.peers(), protocol=Vote(), skills=book)
    await asked(swarm, sums(12))
    assert book.skills()[0][1].stage == "mature"
    crowd.wrong = 0.9
    used = 0
    for question in sums(30, 12):
        if book.match(question) is None:
            break
        used += (await swarm.ask(question)).rule.startswith("two-first")
    assert 5 <= used <= 10
    assert book.skills()[0][1].stage == "removed"
    crowd.wrong = 0.0
    await asked(swarm, sums(9, 50))
    assert not book.skills()[0][1].usable, "it was removed once, and comes back after ten"
    await asked(swarm, sums(1, 60))
    assert book.skills()[0][1].stage == "mature"


async def test_near_duplicates_are_one_pattern_and_the_book_grows_with_patterns_only() -> None:
    book = SkillBook()
    swarm = Swarm(Crowd().peers(), protocol=Vote(), skills=book)
    await asked(swarm, sums(30))
    await asked(swarm, [Question(text=f"How  MUCH is {i} + {i} , then ?", expects="number") for i in range(3)])
    after_thirty = len(book.store)
    await asked(swarm, sums(60, 30))
    assert len(book.store) == after_thirty
    assert len(book.store.records(Where(sorts=("pattern-number",)))) == 1


async def test_what_somebody_verifies_outweighs_what_peers_judged() -> None:
    book = SkillBook()
    swarm = Swarm(Crowd().peers(), protocol=Vote(), skills=book)
    decisions = await asked(swarm, sums(3))
    assert book.match(sums(1, 9)[0]) is not None
    for decision in decisions[:2]:
        assert book.verify(decision.id.hex()[:16], right=False) is not None
    assert book.match(sums(1, 9)[0]) is None
    book.verify(decisions[0].id.hex(), right=True)
    book.verify(decisions[1].id.hex(), right=True)
    assert book.match(sums(1, 9)[0]) is not None
    with pytest.raises(UnknownName, match="question in the book"):
        book.verify("ffff", right=True)
    with pytest.raises(UnknownName):
        book.verify("", right=True)
    first = {decision.id.hex()[0] for decision in decisions}
    if len(first) < 3:
        with pytest.raises(UsageError, match="more digits"):
            book.verify(
                next(d for d in "0123456789abcdef" if sum(x.id.hex()[0] == d for x in decisions) > 1), right=True
            )


async def test_a_book_is_kept_in_a_file_that_only_its_owner_reads_and_forgets(tmp_path: Path) -> None:
    file = tmp_path / "skills.db"
    with SkillBook(file) as book:
        await asked(Swarm(Crowd().peers(), protocol=Vote(), skills=book), sums(4))
    assert file.stat().st_mode & 0o077 == 0
    with SkillBook(file) as book:
        skill = book.match(sums(1, 9)[0])
        assert skill is not None
        assert book.forget(skill.pattern)
        assert not book.forget(skill.pattern)
        assert len(book.store) == 0
    other = tmp_path / "words.txt"
    other.write_text("no database")
    with pytest.raises(UsageError, match="cannot be used"):
        SkillBook(other)


async def test_with_words_alone_instead_of_meaning_the_same_ripens() -> None:
    book = SkillBook(embed=hashed_ngrams)
    await asked(Swarm(Crowd().peers(), protocol=Vote(), skills=book), sums(4))
    assert book.match(sums(1, 9)[0]) is not None
    assert book.match(Question(text="Which bird sings at night?", expects="short")) is None


async def test_a_book_that_fails_costs_no_decision(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = SkillBook()

    def full(*_: object) -> None:
        raise MemoryFull(1)

    monkeypatch.setattr(RecordStore, "put", full)
    with caplog.at_level(logging.WARNING):
        [decision] = await asked(Swarm(Crowd().peers(), protocol=Vote(), skills=book), sums(1, 2))
    assert decision.key == "6"
    assert "did not keep this question" in caplog.text

    for why in (RunFailed("the disk is gone"), UsageError("a vector of NaN"), sqlite3.OperationalError("locked")):

        def broken(*_: object, why: Exception = why) -> None:
            raise why

        caplog.clear()
        monkeypatch.setattr(RecordStore, "search", broken)
        assert book.match(sums(1)[0]) is None
        assert f"cannot be read: {why}" in caplog.text


async def test_what_somebody_else_wrote_into_the_book_is_passed_over() -> None:
    book = SkillBook()
    swarm = Swarm(Crowd().peers(), protocol=Vote(), skills=book)
    await asked(swarm, sums(2))
    pattern = book.pattern(sums(1)[0])
    for text in ("no JSON", '{"pattern":"AA==","number":0,"run":"r","right":true}'):
        book.store.put(Record.of("outcome", "x", text, links=[("of", pattern)]))
    await asked(swarm, sums(1, 3))
    assert book.skills()[0][1].stage == "committed"


async def test_the_example_of_a_choice_has_its_options() -> None:
    book = SkillBook()
    swarm = Swarm([FunctionPeer(f"p{i}", lambda _: "Answer: B") for i in range(3)], protocol=Vote(), skills=book)
    await swarm.ask("Which is heavier?", expects="choice", options=("water", "lead"))
    assert book.skills()[0][1].question == "Which is heavier?\nA) water\nB) lead"


async def test_of_many_patterns_one_without_a_skill_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(skill_book, "MAX_PATTERNS", 3)
    book = SkillBook(embed=hashed_ngrams)
    swarm = Swarm([FunctionPeer(f"p{i}", lambda _: "yes") for i in range(3)], protocol=Vote(), skills=book)
    for text in ("Do bees dance?",) * 3 + ("Is the printer out of paper?", "Did the volcano erupt in May?",
                                           "Has copper a colour?", "Were glaciers ever warm?"):  # fmt: skip
        await swarm.ask(text, expects="yes/no")
    words = {words for words, _ in book.skills()}
    assert len(words) == 3
    assert "yes-no: do bees dance?" in words
    for text in ("Is the printer out of paper?",) * 3 + ("Did the volcano erupt in May?",) * 3 + ("Any?",):
        await swarm.ask(text, expects="yes/no")
    assert len(book.skills()) == 3


async def test_two_first_asked_for_by_hand_is_no_failure_of_a_skill() -> None:
    book, crowd = SkillBook(), Crowd(wrong=0.5, seed=3)
    swarm = Swarm(crowd.peers(), protocol=TwoFirst(Vote()), skills=book)
    await asked(swarm, sums(12))
    assert all(skill.wrong == 0 for _, skill in book.skills())


async def test_skills_are_the_callers_own_and_a_swarm_may_be_given_others() -> None:
    mine, yours = SkillBook(), SkillBook()
    crowd = Crowd()
    swarm = Swarm(crowd.peers(), protocol=Debate(rounds=1), skills=mine)
    await asked(swarm, sums(3))
    assert (await swarm.practising(yours).ask(sums(1, 5)[0])).rule == "majority"
    assert (await swarm.practising(None).ask(sums(1, 5)[0])).rule == "majority"
    assert (await swarm.ask(sums(1, 5)[0])).rule == "two-first(majority)"
    assert len(yours.skills()) == 1


async def test_a_budget_of_messages_leaves_the_skill_unused_and_unharmed() -> None:
    book = SkillBook()
    swarm = Swarm(Crowd().peers(), protocol=Vote(), skills=book)
    await asked(swarm, sums(3))
    decision = await swarm.ask(sums(1, 4)[0], budget=Budget(messages=30))
    assert decision.rule == "majority"
    assert book.skills()[0][1].wrong == 0


def test_an_undecided_question_has_no_judges() -> None:
    assert judges_of(Decision(status="undecided", key=None), ()) is None
    assert judges_of(Decision(status="decided", key="4"), ()) is None
