from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.consensus import Bargained, Rule, majority
from waggledance.core import UNIT, Decision, Judgement, Message, MessageId, Proposal, UsageError, local_peer_id

Say = Callable[..., Message[Proposal]]
Grade = Callable[..., Message[Judgement]]
NAMES = ("ann", "bob", "cyd", "dan")


def bargained(
    say: Say, grade: Grade, table: Mapping[str, tuple[float, ...]], rule: Rule | None = None, **more: Any
) -> Decision:
    """Let peers wish for the packages in the table, in turn, and grade each as it says."""
    wishes = [say(name, key) for name, key in zip(NAMES, table, strict=False)]
    grades = [
        grade(name, {m: round(table[m.body.key or ""][i] * UNIT) for m in wishes})
        for i, name in enumerate(NAMES[: len(next(iter(table.values())))])
    ]
    return (rule or Bargained())(wishes, grades, more.get("weights", {}))


def test_a_minority_is_not_outvoted(say: Say, grade: Grade) -> None:
    table = {"A": (1.0, 1.0, 0.1), "B": (0.9, 0.9, 0.8)}
    wishes = [say("ann", "A"), say("bob", "A"), say("cyd", "B")]
    assert majority(wishes, (), {}).key == "A"
    grades = [grade(n, {m: round(table[m.body.key or ""][i] * UNIT) for m in wishes}) for i, n in enumerate(NAMES[:3])]
    decision = Bargained()(wishes, grades, {})
    assert decision.key == "B"
    assert decision.confidence == 0.8
    assert "on its peer's own scale" in decision.notes[0]
    assert {(d.peer, d.reason) for d in decision.dissent} == set(), "A is not the base: B is worth more in all"


def test_who_has_less_than_under_the_base_is_named_with_both(say: Say, grade: Grade) -> None:
    decision = bargained(say, grade, {"A": (1.0, 0.6, 0.1), "B": (0.5, 0.5, 0.5)})
    assert decision.key == "B"
    named = {d.peer: (d.key, d.reason) for d in decision.dissent}
    assert named == {
        local_peer_id("ann"): ("A", "has 0.50 of this, 1.00 of A"),
        local_peer_id("bob"): (None, "has 0.50 of this, 0.60 of A"),
    }


def test_with_a_floor_for_every_peer_nobody_is_left_with_less(say: Say, grade: Grade) -> None:
    table = {"A": (1.0, 0.6, 0.1), "B": (0.5, 0.5, 0.5)}
    assert bargained(say, grade, table, Bargained("every")).key == "A"


GRADES = st.lists(st.tuples(*[st.integers(0, 10)] * 3), min_size=2, max_size=4, unique=True)


@given(GRADES, st.randoms(use_true_random=False))
def test_the_worst_off_never_falls_below_the_base_in_any_order_of_messages(
    say: Say, grade: Grade, rows: list[tuple[int, int, int]], rng: Random
) -> None:
    table = {key: tuple(g / 10 for g in row) for key, row in zip("ABCD", rows, strict=False)}
    decision = bargained(say, grade, table)
    most = max(sum(row) for row in table.values())
    base = [row for row in table.values() if sum(row) > most - 1e-9]
    assert min(table[decision.key or ""]) >= min(min(row) for row in base)
    wishes = [say(name, key) for name, key in zip(NAMES, table, strict=False)]
    grades = [grade(n, {m: round(table[m.body.key or ""][i] * UNIT) for m in wishes}) for i, n in enumerate(NAMES[:3])]
    mixed = Bargained()(rng.sample(wishes, k=len(wishes)), [*rng.sample(grades, k=3), grades[0]], {})
    assert mixed.id == decision.id


def offered(wish: Message[Proposal], key: str) -> Message[Proposal]:
    """Return another peer's offer of a later round, in the same channel."""
    body = Proposal(round=1, key=key)
    return msgspec.structs.replace(wish, id=MessageId(b"\1" * 32), author=local_peer_id("bob"), body=body)


def test_an_offer_worth_more_in_all_is_refused_where_the_worst_off_pays(say: Say, grade: Grade) -> None:
    wish = say("ann", "A")
    later = offered(wish, "B")
    had = {wish: (600_000, 600_000, 600_000), later: (1_000_000, 1_000_000, 500_000)}
    grades = [grade(n, {m: row[i] for m, row in had.items()}) for i, n in enumerate(NAMES[:3])]
    assert Bargained()([wish, later], grades, {}).key == "A"


def test_an_objection_bars_a_package(say: Say, grade: Grade) -> None:
    table = {"A": (1.0, 1.0, 0.0), "B": (0.3, 0.3, 0.3)}
    assert bargained(say, grade, table).key == "A", "as the base it holds where nothing better is agreed"
    assert bargained(say, grade, {"C": (0.7, 0.7, 0.7), **table}).key == "C"


def test_without_grades_a_wish_is_drawn_by_lot_and_the_decision_says_so(say: Say) -> None:
    decision = Bargained()([say("ann", "A"), say("bob", "A"), say("cyd", "B")], (), {})
    assert decision.key in ("A", "B")
    assert "drawn by lot" in decision.notes[0]
    assert Bargained()([], (), {}).status == "undecided"
    assert Bargained()([say("ann", None)], (), {}).status == "undecided"


def test_a_peer_of_weight_0_has_no_say(say: Say, grade: Grade) -> None:
    table = {"A": (1.0, 1.0, 0.1), "B": (0.5, 0.5, 0.5)}
    alone = bargained(say, grade, table, weights={local_peer_id("cyd"): 0})
    assert alone.key == "A"
    assert alone.confidence == 1.0


def test_another_floor_is_refused() -> None:
    with pytest.raises(UsageError, match="'worst' off or 'every' peer"):
        Bargained("best")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
