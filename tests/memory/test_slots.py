"""Slots: what is unknown, who fills it, and when everybody knows enough."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from waggledance.core import Channel, Message, UsageError, encode, local_peer_id, swarm_id
from waggledance.memory import Fill, Record, RecordStore, Slot, Slots, fill_slots, source_mark
from waggledance.testing import on_virtual_time
from waggledance.testing._seats_at import seats_at

SOURCE = (b"s" * 32,)


def said(*bodies: tuple[str, Slot | Fill]) -> list[Message[Any]]:
    channel = Channel(swarm_id("bees"), "q1")
    for author, body in bodies:
        channel.publish(local_peer_id(author), body, [], 0)
    return list(channel.messages())


def test_a_slot_is_agreed_when_no_other_value_has_as_much_support_and_conflicts_stay_visible() -> None:
    messages = said(
        ("ada", Slot(name="colour")),
        ("ada", Fill(slot="colour", value="Red", sources=SOURCE)),
        ("ben", Fill(slot="colour", value=" red ", sources=SOURCE)),
        ("cat", Fill(slot="colour", value="blue", sources=SOURCE)),
    )
    slots = Slots.of(messages)
    assert slots.conflicts == ("colour",)
    assert [value.strip().casefold() for value in slots.agreed.values()] == ["red"]
    assert slots.done
    tied = Slots.of([m for m in messages if m.author != local_peer_id("ben")])
    assert tied.unknown == ("colour",)
    assert not tied.done


def test_a_guess_closes_nothing_and_is_listed() -> None:
    slots = Slots.of(said(("ada", Slot(name="age")), ("ben", Fill(slot="age", value="40"))))
    assert slots.unknown == ("age",)
    assert slots.known["age"].guesses == ("40",)


def test_the_latest_word_of_an_author_counts_and_nobody_fills_what_was_not_asked() -> None:
    slots = Slots.of(
        said(
            ("ada", Slot(name="age")),
            ("ben", Fill(slot="age", value="40", sources=SOURCE)),
            ("ben", Fill(slot="age", value="41", sources=SOURCE)),
            ("ben", Fill(slot="shoe size", value="43", sources=SOURCE)),
        )
    )
    assert slots.agreed == {"age": "41"}
    assert slots.conflicts == ()


def test_the_fold_is_blind_to_order_and_holds_twelve_slots() -> None:
    bodies: list[tuple[str, Slot | Fill]] = [(f"p{i % 3}", Slot(name=f"slot {i}")) for i in range(20)]
    bodies += [(f"p{i % 5}", Fill(slot=f"slot {i % 7}", value=f"{i % 2}", sources=SOURCE)) for i in range(40)]
    messages = said(*bodies)
    seen = [Slots.of(Random(seed).sample(messages, len(messages))) for seed in range(5)]
    assert all(slots == seen[0] for slots in seen)
    assert len(seen[0].known) == 12


def test_nothing_asked_is_not_done() -> None:
    assert not Slots.of([]).done


def test_the_list_of_unknowns_takes_no_more_turns_than_questions_that_fail() -> None:
    rng, turns = Random(0), 0
    for _ in range(200):
        bodies: list[tuple[str, Slot | Fill]] = [("ada", Slot(name=f"fact {i}")) for i in range(5)]
        while unknown := Slots.of(said(*bodies)).unknown:
            turns += 1
            if rng.random() < 0.85:
                bodies.append(("ben", Fill(slot=unknown[0], value="known", sources=SOURCE)))
    assert turns / 200 <= 1.2 * 5 / 0.85


def meeting(peers: int, seed: int) -> tuple[set[int], set[int], Channel, list[RecordStore]]:
    """Let peers find hours in which all are free, each knowing its own calendar alone; return found, true, channel."""
    rng = Random(seed)
    names = [f"p{i}" for i in range(peers)]
    free = {name: set(rng.sample(range(8, 20), 8)) for name in names}
    stores = {name: RecordStore() for name in names}
    secrets = {name: rng.randbytes(32) for name in names}
    for name in names:
        hours = " ".join(map(str, sorted(free[name])))
        stores[name].put(Record.of("calendar", f"free hours of {name}", hours))

    async def main() -> tuple[Channel, list[Slots]]:
        channel = Channel(swarm_id("bees"), f"meeting {seed}")

        async def one(seat: Any) -> Slots:
            def look_up(slot: str) -> Fill | None:
                if not slot.endswith(f" {seat.name}"):
                    return None
                kept = stores[seat.name].search(slot, 1, mode="words")[0].kept
                return Fill(slot=slot, value=kept.record.text, sources=(source_mark(kept.id, secrets[seat.name]),))

            need = [f"free hours of {name}" for name in names] if seat.name == "p0" else []
            return await fill_slots(seat, look_up, need=need, within_s=10)

        return channel, await asyncio.gather(*(one(seat) for seat in seats_at(channel, names)))

    channel, ends = on_virtual_time(main())
    assert all(slots == ends[0] for slots in ends)
    every_hour = set(range(8, 20))
    found = every_hour.intersection(*({int(hour) for hour in hours.split()} for hours in ends[0].agreed.values()))
    return found, every_hour.intersection(*free.values()), channel, list(stores.values())


@pytest.mark.parametrize("peers", [2, 3, 4, 5, 6])
def test_peers_who_know_their_own_calendar_alone_find_the_common_hours_in_few_messages(peers: int) -> None:
    for seed in range(4):
        found, true, channel, stores = meeting(peers, seed)
        assert found == true
        assert len(channel) <= 3 * peers * peers
        wire = b"".join(encode(message) for message in channel.messages())
        for store in stores:
            assert all(kept.id not in wire for kept in store.records())
            store.close()


def test_without_anybody_who_knows_it_ends_in_time_with_what_is_unknown() -> None:
    async def main() -> Slots:
        [seat] = seats_at(Channel(swarm_id("bees"), "q1"), ["ada"])
        return await fill_slots(seat, lambda _: None, need=["the secret"], within_s=5)

    assert on_virtual_time(main()).unknown == ("the secret",)


@pytest.mark.parametrize("name", ["", " ", "two\nlines", "n" * 81, " padded", "e\u0301"])
def test_slots_without_a_proper_name_are_refused(name: str) -> None:
    with pytest.raises(UsageError):
        Slot(name=name)
    with pytest.raises(UsageError):
        Fill(slot=name, value="x")


def test_senseless_fills_times_and_secrets_are_refused() -> None:
    for wrong in ({"value": ""}, {"value": "v" * 1_001}, {"value": "x", "sources": (b"short",)}):
        with pytest.raises(UsageError):
            Fill(slot="name", **wrong)  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match="32 bytes"):
        source_mark(b"id", b"short")

    async def main() -> Slots:
        return await fill_slots(seats_at(Channel(swarm_id("bees"), "q1"), ["ada"])[0], lambda _: None, within_s=0)

    with pytest.raises(UsageError, match="seconds"):
        on_virtual_time(main())
