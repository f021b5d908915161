"""The board: requests, those who answer by themselves, and which answers count."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from waggledance.core import Channel, MessageId, UsageError, encode, local_peer_id, swarm_id
from waggledance.memory import (
    TEAM,
    Answer,
    Board,
    Contribution,
    Record,
    RecordStore,
    answers_to,
    record_index,
)
from waggledance.mesh import Beacon
from waggledance.testing import on_virtual_time
from waggledance.testing._board_world import BoardWorld
from waggledance.testing._seats_at import seats_at


def test_volunteers_find_what_a_master_misses_while_under_a_quarter_works() -> None:
    world = BoardWorld()
    found = world.volunteers(0.3, 60)
    assert found.f1 >= 0.9
    assert found.worked < 6
    assert found.f1 >= world.master(0.4, 60).f1 + 0.2
    assert world.volunteers(0.1, 20).f1 >= 0.99
    assert world.master(0.2, 200).f1 < world.master(0.4, 200).f1 < world.master(0.8, 200).f1
    assert world.volunteers(0.6, 30).f1 < found.f1  # who does not know itself is no better placed than a master


def test_the_order_in_which_data_agents_sit_down_changes_nothing() -> None:
    world = BoardWorld(1)
    assert world.volunteers(0.6, 8, order=1) == world.volunteers(0.6, 8, order=2)


def test_which_answers_count_does_not_depend_on_the_order_they_came_in() -> None:
    channel = Channel(swarm_id("bees"), "board")
    request = channel.publish(local_peer_id("asker"), Answer(request=MessageId(bytes(32)), text=""), [], 0).id
    for i in range(20):
        for text in ("first", "second"):
            answer = Answer(request=request, text=text, confidence_ppm=i % 4 * 100_000)
            channel.publish(local_peer_id(f"p{i}"), answer, [], 0)
    messages = list(channel.messages())
    seen = {answers_to(Random(seed).sample(messages, len(messages)), request, 7) for seed in range(6)}
    assert len(seen) == 1
    counted = seen.pop()
    assert [m.body.confidence_ppm for m in counted] == [300_000] * 5 + [200_000] * 2
    assert {m.body.text for m in counted} == {"first"}
    assert answers_to(messages, MessageId(b"n" * 32), 7) == ()
    with pytest.raises(UsageError, match="at least one"):
        answers_to(messages, request, 0)


@pytest.mark.parametrize(
    "wrong",
    [{"request": b"short"}, {"text": "t" * 4_001}, {"text": "e\u0301"}, {"confidence_ppm": -1}, {"records": (b"x",)}],
)
def test_an_answer_that_breaks_a_limit_is_not_born(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Answer(**{"request": bytes(32), "text": "", **wrong})  # pyright: ignore[reportArgumentType]


def asked(want: int, within_s: int, replies: dict[str, int]) -> tuple[list[str], float]:
    """Ask peers with these scores, by name; return who counted, and how many virtual seconds it took."""

    async def main() -> tuple[list[str], float]:
        seats = seats_at(Channel(swarm_id("bees"), "board"), ["asker", *replies])
        serving = [
            asyncio.create_task(
                Board(seat).serve(lambda _, p=ppm, n=seat.name: Contribution(text=n, score_ppm=p), 500_000, 60)
            )
            for seat, ppm in zip(seats[1:], replies.values(), strict=True)
        ]
        said = await Board(seats[0]).ask("who knows about bread?", want, within_s)
        took = seats[0].clock.now()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        return [m.body.text for m in said], took

    return on_virtual_time(main())


def test_a_request_closes_with_enough_answers_or_at_its_deadline() -> None:
    assert asked(2, 10, {"a": 900_000, "b": 700_000, "c": 100_000}) == (["a", "b"], 0.0)
    assert asked(3, 10, {"a": 900_000, "b": 700_000, "c": 100_000}) == (["a", "b"], 10.0)
    assert asked(1, 4, {"a": 0}) == ([], 4.0)


@pytest.mark.parametrize(("need", "want", "within_s"), [("", 1, 1), ("x", 0, 1), ("x", 65, 1), ("x", 1, 0)])
def test_a_request_without_words_or_out_of_range_is_refused(need: str, want: int, within_s: int) -> None:
    async def main() -> None:
        await Board(seats_at(Channel(swarm_id("bees"), "board"), ["asker"])[0]).ask(need, want, within_s)

    with pytest.raises(UsageError):
        on_virtual_time(main())


@pytest.mark.parametrize(("threshold", "for_s"), [(-1, 1.0), (1_000_001, 1.0), (0, 0.0), (0, float("nan"))])
def test_serving_out_of_range_is_refused(threshold: int, for_s: float) -> None:
    async def main() -> None:
        await Board(seats_at(Channel(swarm_id("bees"), "board"), ["p"])[0]).serve(lambda _: None, threshold, for_s)

    with pytest.raises(UsageError):
        on_virtual_time(main())


def test_an_index_over_records_never_shows_private_ones_or_those_for_other_channels() -> None:
    with RecordStore() as store:
        for scope in ("private", TEAM, "board", "other"):
            store.put(Record.of("finding", f"bread recipe {scope}", scope=scope))
        found = record_index(store, "board", k=9)("bread recipe")
        assert found is not None
        assert "private" not in found.text
        assert "other" not in found.text
        assert len(found.records) == 2
        assert record_index(store, "board")("  ") is None
        with pytest.raises(UsageError, match="private"):
            record_index(store, "private")


TOPICS = (
    ("monthly rainfall and temperature", "how wet and warm the weather was"),
    ("car sales by brand", "how many automobiles of each make were bought"),
    ("hospital beds and patients", "how full the clinics are"),
    ("school exam results", "what marks pupils got in tests"),
    ("wheat and corn harvest", "how much grain farmers brought in"),
    ("train delays by station", "how late railway services run"),
    ("electricity consumption by hour", "how much power households use"),
    ("apartment rents by district", "what people pay for a flat"),
    ("bird counts in wetlands", "how many storks and ducks were seen"),
    ("museum visitors", "how many people look at art"),
)
PLACES = ("Norway", "Kenya", "Brazil", "Japan", "Poland", "Canada", "Egypt", "India", "Spain", "Peru")
FORMS = ("CSV with columns date, place, value", "table, one row a year")


def test_twelve_peers_with_200_tables_answer_50_requests_in_other_words() -> None:
    tables = [(t, p, f"{t} in {p}; {form}") for t, _ in TOPICS for p in PLACES for form in FORMS]
    rng = Random(5)
    stores = [RecordStore() for _ in range(12)]
    for topic, place, words in tables:
        stores[rng.randrange(12)].put(Record.of("table", words, f"{topic}|{place}", scope=TEAM))
    recall: list[float] = []
    for _ in range(50):
        topic, other = rng.choice(TOPICS)
        place = rng.choice(PLACES)
        replies = [record_index(store, "board")(f"{other} in {place}") for store in stores]
        best = sorted((r for r in replies if r is not None), key=lambda r: -r.score_ppm)[:3]
        got = sum(reply.text.count(f"{topic}|{place}") for reply in best)
        recall.append(got / len(FORMS))
    assert len(tables) == 200
    assert sum(recall) / 50 >= 0.8
    for store in stores:
        store.close()


def test_a_request_on_the_board_is_the_beacon_that_calls_for_teams_and_carries_nothing_else() -> None:
    async def main() -> bytes:
        channel = Channel(swarm_id("bees"), "board")
        await Board(seats_at(channel, ["asker"])[0]).ask("bread", 1, 1)
        [message] = channel.messages()
        assert isinstance(message.body, Beacon)
        return encode(message)

    assert b"bread" in on_virtual_time(main())
