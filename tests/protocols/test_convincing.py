import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from waggledance import Budget, Swarm
from waggledance.core import Call, Message, Note, Proposal, UsageError
from waggledance.network import Silent
from waggledance.protocols import RoundTable, Trial, convincing
from waggledance.testing import Opinionated, simulate

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "reconcile" / "convincing.jsonl"


def trial(n: int, before: str | None, after: str | None, explanation: str = "Because.") -> Trial:
    return Trial(question=f"question {n}?", key="A", before=before, after=after, explanation=explanation)


def test_only_what_turned_a_wrong_answer_into_the_right_one_convinces() -> None:
    trials = [trial(1, "B", "A"), trial(2, "A", "A"), trial(3, "B", "B"), trial(4, "A", "B"), trial(5, None, "A")]
    told = convincing({"ada": trials, "bob": trials[1:4], "eve": []})
    assert list(told) == ["ada"]
    assert [f"question {n}?" in told["ada"] for n in range(1, 6)] == [True, False, False, False, True]


def test_a_few_of_many_are_drawn_whatever_their_order_and_not_the_first_ones() -> None:
    trials = [trial(n, "B", "A") for n in range(40)]
    told = convincing({"ada": trials})
    assert told == convincing({"ada": trials[::-1] + trials})
    assert told["ada"].count("Question:") == 4
    assert told != convincing({"ada": trials[:4]})


def test_examples_without_an_explanation_and_without_room_are_refused() -> None:
    with pytest.raises(UsageError, match="convinced 'ada' has no explanation"):
        convincing({"ada": [trial(1, "B", "A", " ")]})
    with pytest.raises(UsageError, match="per_peer=0"):
        convincing({"ada": []}, per_peer=0)


class Student(Opinionated):
    """Keeps the notes that it is guided by."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.guides: list[tuple[str, ...]] = []

    async def propose(self, call: Call) -> Proposal:
        self.guides.append(tuple(sorted(note.body.text for note in call.guide)))
        return await super().propose(call)

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        self.guides.append(tuple(note.body.text for note in call.guide))
        return await super().revise(call, mine, heard)


TAUGHT = {"p0": "what convinced p0", "p1": "what convinced p1"}


def test_each_answers_first_with_what_convinced_the_others_and_what_it_says_names_that() -> None:
    students = [Student(f"p{i}") for i in range(3)]
    run = simulate(RoundTable(rounds=2, examples=TAUGHT), "2+2?", peers=students)
    first = {student.name: student.guides[0] for student in students}
    assert first == {"p0": ("what convinced p1",), "p1": ("what convinced p0",), "p2": tuple(TAUGHT.values())}
    notes = {m.id: m for m in run.log if isinstance(m.body, Note)}
    assert {m.body.text for m in notes.values()} == set(TAUGHT.values())
    for message in run.log:
        if isinstance(message.body, Proposal) and message.body.round == 0:
            assert {notes[ref].author for ref in message.body.refs} == {m.author for m in notes.values()} - {
                message.author
            }


def test_without_examples_a_round_table_writes_the_same_bytes_as_ever() -> None:
    plain, empty = (simulate(protocol, "2+2?") for protocol in (RoundTable(), RoundTable(examples={})))
    assert plain.transcript == empty.transcript
    assert not any(isinstance(m.body, Note) for m in plain.log)


def test_examples_of_somebody_who_does_not_sit_here_are_nobody_s_to_tell() -> None:
    run = simulate(RoundTable(rounds=1, examples={"absent": "…"}), "2+2?", peers=3)
    assert run.decision.key is not None
    assert not any(isinstance(m.body, Note) for m in run.log)
    assert run.virtual_s < 1


def test_a_teacher_who_is_silent_costs_one_patience() -> None:
    table = RoundTable(rounds=3, patience_s=30, examples=TAUGHT)
    run = simulate(table, "2+2?", peers=[Student(f"p{i}") for i in range(5)], faults=[Silent("p1")])
    assert 30 <= run.virtual_s < 31
    assert len({decision.id for decision in run.honest}) == 1


def test_a_budget_without_room_for_notes_lets_peers_just_answer() -> None:
    students = [Student(f"p{i}") for i in range(3)]
    swarm = Swarm(students, protocol=RoundTable(examples=TAUGHT))
    decision = swarm.ask_sync("2+2?", budget=Budget(messages=3))
    assert decision.cost.calls == 3
    assert all(student.guides == [()] for student in students)


@pytest.mark.skipif(not DATA.exists(), reason="the recorded samples of ReConcile are not here")
def test_recorded_samples_of_three_models_convince_and_are_told() -> None:
    trials: dict[str, list[Trial]] = {}
    for line in DATA.read_text().splitlines():
        record = json.loads(line)
        asked, sample = record["sample"]["train_sample"], record["sample"]
        explanation = str(asked["gold_explanation"])
        trials.setdefault(record["by"], []).append(
            Trial(
                question=asked["question"],
                key=str(asked["answer"]).lower(),
                before=str(sample["prediction_pre"]["answer"]).lower(),
                after=str(sample["prediction_post"]["answer"]).lower(),
                explanation=explanation,
            )
        )
    told = convincing(trials)
    assert set(told) == set(trials)
    assert all(1 <= text.count("Question:") <= 4 for text in told.values())
