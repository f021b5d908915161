"""The record store: what is put in is found, whatever the order it came in."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from waggledance.core import Channel, Message, RunFailed, UnknownName, UsageError, local_peer_id, swarm_id
from waggledance.memory import (
    PRIVATE,
    TEAM,
    Kept,
    MemoryFull,
    Record,
    Recorded,
    RecordId,
    RecordStore,
    Where,
    _store_file,
)
from waggledance.memory._vector_rows import VectorRows
from waggledance.topology import hashed_ngrams

ADA, BEN = local_peer_id("ada"), local_peer_id("ben")
FACTS = (
    "the capital of France is Paris",
    "a farmer keeps 17 sheep",
    "bread needs flour, water and salt",
    "the train to Berlin leaves at nine",
    "invoice 4711 was paid in May",
)


def filled(*facts: str) -> RecordStore:
    store = RecordStore()
    for fact in facts or FACTS:
        store.put(Record.of("finding", fact))
    return store


def said(records: Sequence[Record], author: str = "ada", channel: str = "q1") -> list[Message[Any]]:
    copy = Channel(swarm_id("bees"), channel)
    return [copy.publish(local_peer_id(author), Recorded(record=r), [], 0) for r in records]


@pytest.mark.parametrize("mode", ["words", "meaning", "hybrid"])
def test_the_record_that_a_query_is_about_comes_first(mode: Any) -> None:
    with filled() as store:
        assert store.search("when was invoice 4711 paid", mode=mode)[0].kept.record.key == FACTS[4]
        assert len(store.search("invoice", k=2, mode="meaning")) == 2


def test_meaning_finds_what_shares_no_word_and_words_find_what_vectors_lose() -> None:
    with RecordStore() as store:
        store.put(Record.of("finding", "automobile repair workshop"))
        store.put(Record.of("finding", "sonnets about spring"))
        assert store.search("fix my car", mode="words") == ()
        assert store.search("fix my car", k=1, mode="meaning")[0].kept.record.key == "automobile repair workshop"


def test_order_of_arrival_never_shows() -> None:
    records = [Record.of("finding", f"apple {i % 4}", f"pear {i % 3}", scope=TEAM) for i in range(40)]
    records += [Record.of("goal", "apple", f"{i}", scope=TEAM) for i in range(20)]  # ties by words, and by length
    messages = [m for author in ("ada", "ben") for m in said(records, author)]
    seen: set[tuple[object, ...]] = set()
    for seed in range(4):
        with RecordStore() as store:
            store.take(Random(seed).sample(messages, len(messages)))
            seen.add((store.search("apple pear", k=30), store.view(60), store.records()))
    assert len(seen) == 1


def test_ties_do_not_follow_the_order_of_names() -> None:
    with RecordStore() as store:
        for letter in "abcdefghij":
            store.put(Record.of("finding", f"apple {letter}{letter}"))
        firsts = {store.search(f"apple {'x' * i}", k=1, mode="words")[0].kept.record.key for i in range(1, 20)}
        assert len(firsts) > 3


def test_what_counts_can_be_narrowed_in_every_mode() -> None:
    with RecordStore() as store:
        store.put(Record.of("goal", "apple one"))
        store.put(Record.of("finding", "apple two", scope=TEAM), BEN)
        store.put(Record.of("finding", "apple three", scope="q1"), ADA)
        for mode in ("words", "meaning", "hybrid"):
            keys = [
                {f.kept.record.key for f in store.search("apple", where=where, mode=mode)}
                for where in (
                    Where(sorts=("goal",)),
                    Where(scopes=(TEAM, "q1")),
                    Where(authors=(ADA,)),
                    Where(sorts=("no",)),
                )
            ]
            assert keys == [{"apple one"}, {"apple two", "apple three"}, {"apple three"}, set()]


def test_a_record_said_by_two_is_one_record_with_both_authors() -> None:
    record = Record.of("finding", "key", scope=TEAM)
    with RecordStore() as store:
        assert store.take([*said([record], "ada"), *said([record], "ben")]) == 1
        kept = store.get(record.id)
        assert kept is not None
        assert kept.authors == tuple(sorted((ADA, BEN)))
        assert len(kept.messages) == 2


def test_a_record_for_another_channel_than_it_was_said_in_is_not_taken() -> None:
    record = Record.of("finding", "key", scope="q2")
    with RecordStore() as store:
        assert store.take(said([record], channel="q1")) == 0
        assert store.take(said([record], channel="q2")) == 1


def test_rebuilding_from_the_log_gives_the_same_answers_and_keeps_what_is_private() -> None:
    messages = said([Record.of("finding", fact, scope=TEAM) for fact in FACTS])
    with RecordStore() as store:
        store.take(messages)
        mine = store.put(Record.of("finding", "mine alone"))
        before = store.search("invoice paid", k=3), store.records()
        stray = store.put(Record.of("finding", "said by nobody", scope=TEAM))
        assert store.rebuild(messages) == len(FACTS)
        assert store.get(stray) is None
        assert store.get(mine) is not None
        assert (store.search("invoice paid", k=3), store.records()) == before


def test_what_is_forgotten_is_not_found_and_what_comes_after_is() -> None:
    with filled() as store:
        found = store.search("invoice")[0].kept
        assert store.forget(found.id)
        assert not store.forget(found.id)
        assert all(f.kept.id != found.id for f in store.search("invoice 4711", k=9))
        new = store.put(Record.of("finding", "invoice 4712"))  # takes the row that is free again
        assert store.search("invoice 4712", mode="words")[0].kept.id == new
        assert store.search("invoice 4712", mode="meaning")[0].kept.id == new


def test_links_are_followed_forwards_and_backwards() -> None:
    goal = Record.of("goal", "make bread")
    steps = [Record.of("experience", f"step {i}", links=[("serves", goal.id)]) for i in range(3)]
    other = Record.of("experience", "a detour", links=[("blocks", goal.id)])
    with RecordStore() as store:
        for record in (goal, *steps, other):
            store.put(record)

        def ids(found: tuple[Kept, ...]) -> set[RecordId]:
            return {kept.id for kept in found}

        assert ids(store.neighbours(steps[0].id)) == {goal.id}
        assert ids(store.neighbours(goal.id, "serves", back=True)) == {step.id for step in steps}
        assert len(store.neighbours(goal.id, back=True)) == 4
        assert store.neighbours(goal.id) == ()


def test_a_view_keeps_to_its_budget_and_prefers_what_most_say() -> None:
    often = Record.of("finding", "often", "x" * 400, scope=TEAM)
    with filled() as store:
        store.take([*said([often], "ada"), *said([often], "ben")])
        assert store.view(0) == ()
        chosen = store.view(110)
        assert chosen[0].record == often
        assert sum(len(k.record.key) + len(k.record.text) for k in chosen) <= 110 * 4
        assert len(store.view(10_000)) == 6


def test_a_file_is_its_owners_alone_and_holds_everything_when_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "memory.db"
    with RecordStore(path) as store:
        store.put(Record.of("finding", "invoice 4711", scope=PRIVATE))
        first = store.search("invoice")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with RecordStore(path) as store:
        assert store.search("invoice") == first


def test_two_processes_on_one_file_see_what_the_other_wrote(tmp_path: Path) -> None:
    with RecordStore(tmp_path / "m.db") as one, RecordStore(tmp_path / "m.db") as two:
        id = one.put(Record.of("finding", "invoice 4711"))
        assert two.search("invoice")[0].kept.id == id
        one.search("invoice")
        two.forget(id)
        assert one.search("invoice") == ()


def test_vectors_of_another_embedding_are_made_anew(tmp_path: Path) -> None:
    def opposite(texts: Sequence[str]) -> Any:
        return np.array([[1.0, 0.0] if "apple" in text else [0.0, 1.0] for text in texts])

    with RecordStore(tmp_path / "m.db", embed=hashed_ngrams) as store:
        store.put(Record.of("finding", "apple"))
        store.put(Record.of("finding", "pear"))
        assert store.search("pear", k=1, mode="meaning")[0].kept.record.key == "pear"
    with RecordStore(tmp_path / "m.db", embed=opposite) as store:
        assert [f.likeness_ppm for f in store.search("apple", mode="meaning")] == [1_000_000, 0]


def test_senseless_searches_and_sizes_are_refused() -> None:
    with filled() as store:
        for wrong in ("", "  \n"):
            with pytest.raises(UsageError, match="words to look for"):
                store.search(wrong)
        for k in (0, 1_001):
            with pytest.raises(UsageError, match="1 to 1,000"):
                store.search("apple", k=k)
        with pytest.raises(UnknownName, match="hybrid"):
            store.search("apple", mode="hybrids")  # pyright: ignore[reportArgumentType]
        with pytest.raises(UsageError, match="budget"):
            store.view(-1)
    with pytest.raises(UsageError, match="sequence"):
        Where(sorts="goal")  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="limit"):
        RecordStore(limit=0)


def test_an_empty_memory_finds_nothing() -> None:
    with RecordStore() as store:
        assert store.search("anything") == ()
        assert store.view(100) == ()
        assert store.neighbours(RecordId(b"n" * 32)) == ()


def test_a_full_memory_says_so_to_its_owner_and_stops_taking_from_others() -> None:
    with RecordStore(limit=2) as store:
        assert store.take(said([Record.of("finding", f"{i}", scope=TEAM) for i in range(5)])) == 2
        with pytest.raises(MemoryFull, match="forget"):
            store.put(Record.of("finding", "one more"))
        assert len(store) == 2


def test_a_file_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    other, garbage = tmp_path / "other.db", tmp_path / "garbage.db"
    connection = sqlite3.connect(other)
    connection.execute("CREATE TABLE mine (x)")
    connection.commit()
    connection.close()
    garbage.write_bytes(b"not a database at all" * 100)
    for path in (other, garbage, tmp_path):
        with pytest.raises(UsageError):
            RecordStore(path)
    assert garbage.read_bytes().startswith(b"not a database")


def test_a_disk_that_fails_is_named_and_nothing_half_written_stays() -> None:
    with filled() as store:
        store._connection.execute("PRAGMA query_only = 1")
        with pytest.raises(RunFailed, match="could not be written"):
            store.put(Record.of("finding", "one more"))
        store._connection.execute("PRAGMA query_only = 0")
        assert len(store) == len(FACTS)


def test_of_3000_messages_the_right_one_is_found_by_its_names_and_numbers_which_vectors_lose() -> None:
    rng = Random(4)
    names = ("Marlin", "Joras", "Antok", "Stelin", "Marak", "Jonen", "Anlis", "Sterak")
    words = ["invoice", "train", "bread", "meeting", "garden", "weather", "ticket", "lunch", "report", "river"]
    told = [
        f"{rng.choice(names)} {rng.choice(names)} paid {rng.randrange(10**6)} for {' '.join(rng.sample(words, 6))}"
        for _ in range(3_000)
    ]
    hits = dict.fromkeys(("words", "meaning", "hybrid"), 0)
    with RecordStore() as store:
        store.take(said([Record.of("message", f"m{i}", text, scope=TEAM) for i, text in enumerate(told)]))
        for i in rng.sample(range(3_000), 40):
            first, second, _, number, *_ = told[i].split()
            for mode in ("words", "meaning", "hybrid"):
                found = store.search(f"what did {first} {second} pay for with {number}?", 5, mode=mode)
                hits[mode] += any(one.kept.record.key == f"m{i}" for one in found)
    assert hits["words"] >= 38
    assert hits["hybrid"] >= 38
    assert hits["meaning"] < 30


def test_two_processes_that_make_one_memory_at_once_share_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, looked = tmp_path / "memory.db", list[bool]()
    really = _store_file._is_memory  # pyright: ignore[reportPrivateUsage]

    def looks(connection: sqlite3.Connection, at: Path | None) -> bool:
        found = really(connection, at)
        looked.append(found)
        if len(looked) == 1:  # the other process is faster
            with RecordStore(path) as other:
                other.put(Record.of("finding", "first"))
        return found

    monkeypatch.setattr(_store_file, "_is_memory", looks)
    with RecordStore(path) as store:
        store.put(Record.of("finding", "second"))
        assert {kept.record.key for kept in store.records()} == {"first", "second"}
    assert looked[0] is False


def test_what_another_process_drops_or_replaces_while_it_is_searched_for_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "memory.db"
    really = VectorRows.nearest

    def nearest(self: VectorRows, query: str, count: int, where: Where) -> dict[int, int]:
        found = really(self, query, count, where)
        with RecordStore(path) as other:
            assert other.forget(dropped)
            other.put(Record.of("finding", "my own secret of bees"))  # SQLite gives it the row that is free
        return found

    with RecordStore(path) as store:
        store.put(Record.of("finding", "bees dance", scope=TEAM))
        dropped = store.put(Record.of("finding", "bees sleep", scope=TEAM))
        monkeypatch.setattr(VectorRows, "nearest", nearest)
        found = store.search("bees", 5, Where(scopes=(TEAM,)))
    assert [one.kept.record.key for one in found] == ["bees dance"]
