"""Profiles of callers: numbers only, of those alone whose they are, shown to them and erased when they like."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from random import Random

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance import FunctionPeer, Swarm
from waggledance.core import UNIT, Budget, Decision, Question, Turn, UsageError
from waggledance.gateways import Callers, Host, Hosted, Keys, OpenAIDoor, Order, Profile, app_of, measured
from waggledance.gateways._callers import USUAL_AFTER
from waggledance.memory import SkillBook
from waggledance.protocols import Vote

KEYS = Keys({"ada": "a-secret-of-twenty-0", "ben": "a-secret-of-twenty-1"})
ADA, BEN = ({"authorization": f"Bearer a-secret-of-twenty-{i}"} for i in (0, 1))
SECRET = "the blue envelope"


def swarm() -> Swarm:
    return Swarm([FunctionPeer(f"p{i}", lambda _: "Answer: 4") for i in range(5)], protocol=Vote())


def host(callers: Callers | None) -> Host:
    return Host({"default": Hosted(swarm(), expects="number")}, callers=callers)


def order(caller: str = "ada", **more: object) -> Order:
    return Order(swarm="default", question=Question(text=f"{SECRET} 2 + 2?", expects="number"), caller=caller, **more)  # type: ignore[arg-type]  # pyright: ignore


async def ended(host: Host, order: Order) -> Order:
    """Return an order as it was worked on, once it is."""
    running = host.start(order)
    await running.decision()
    return running.order


async def test_nothing_is_kept_of_anybody_unless_the_owner_asks_for_it() -> None:
    async with client(host(None)) as asking:
        await asking.post("/v1/chat/completions", headers=ADA, json=CHAT)
        answer = await asking.get("/profile", headers=ADA)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "no_profiles")


async def test_a_profile_has_more_than_twenty_numbers_and_no_word_of_what_was_said(tmp_path: Path) -> None:
    file = tmp_path / "profiles.db"
    callers = Callers(file, ("ada",))
    at = host(callers)
    await ended(at, order(max_tokens=99, protocol="debate(rounds=3)", seed=1))
    profile = callers.profile("ada")
    assert profile is not None
    assert len(profile.numbers) > 20
    assert (profile.numbers["depth"], profile.numbers["max_tokens"]) == (3 * UNIT, 99 * UNIT)
    assert all(re.fullmatch("[a-z_]+", name) for name in profile.numbers)
    callers.close()
    assert file.stat().st_mode & 0o077 == 0
    [(kept,)] = sqlite3.connect(file).execute("SELECT profile FROM callers").fetchall()
    assert SECRET not in kept
    assert "Answer" not in kept


async def test_who_has_no_key_of_this_server_is_not_watched() -> None:
    callers = Callers(None, ("ada",))
    await ended(host(callers), order("local"))
    assert callers.profile("local") is None


async def test_what_a_caller_says_most_times_is_filled_in_where_they_leave_it_out_and_only_for_them() -> None:
    callers = Callers(None, ("ada", "ben"))
    at = host(callers)
    for _ in range(USUAL_AFTER - 1):
        await ended(at, order(max_tokens=64, temperature=0.0, budget=Budget(tokens=500, seconds=30.0)))
    assert (await ended(at, order())).max_tokens is None, "four orders are too few"
    for _ in range(USUAL_AFTER):
        await ended(at, order(max_tokens=64, temperature=0.0, budget=Budget(tokens=500, seconds=30.0)))
    worked = await ended(at, order())
    assert (worked.max_tokens, worked.temperature, worked.budget) == (64, 0.0, Budget(tokens=500, seconds=30.0))
    own = await ended(at, order(max_tokens=7, budget=Budget(tokens=9)))
    assert (own.max_tokens, own.budget) == (7, Budget(tokens=9, seconds=30.0))
    assert (await ended(at, order("ben"))).max_tokens is None
    for _ in range(20):
        await ended(at, order())
    assert (await ended(at, order())).max_tokens is None, "what is filled in is not taken for what they said"


CHAT = {"model": "waggle/default", "messages": [{"role": "user", "content": "2 + 2?"}], "max_tokens": 50}


def client(host: Host) -> httpx.AsyncClient:
    app = app_of(host, [OpenAIDoor(host)], keys=KEYS, hosts=("test",))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


async def test_callers_read_and_erase_their_own_and_nobody_elses() -> None:
    async with client(host(Callers(None, KEYS.names))) as asking:
        assert (await asking.get("/profile")).status_code == 401
        assert (await asking.get("/profile", headers=ADA)).json() == {
            "caller": "ada", "seen": 0, "numbers": {}, "usual": {}
        }  # fmt: skip
        for _ in range(USUAL_AFTER):
            assert (await asking.post("/v1/chat/completions", headers=ADA, json=CHAT)).status_code == 200
        mine = (await asking.get("/profile", headers=ADA)).json()
        assert (mine["seen"], mine["usual"], mine["numbers"]["calls"]) == (USUAL_AFTER, {"max_tokens": 50.0}, 5.0)
        assert (await asking.get("/profile", headers=BEN)).json()["seen"] == 0
        assert not (await asking.delete("/profile", headers=BEN)).json()["erased"]
        assert (await asking.get("/profile", headers=ADA)).json()["seen"] == USUAL_AFTER
        assert (await asking.delete("/profile", headers=ADA)).json() == {"caller": "ada", "erased": True}
        assert (await asking.get("/profile", headers=ADA)).json()["seen"] == 0


async def test_a_profile_outlives_the_server(tmp_path: Path) -> None:
    callers = Callers(tmp_path / "p.db", ("ada",))
    await ended(host(callers), order())
    callers.close()
    again = Callers(tmp_path / "p.db", ("ada",)).profile("ada")
    assert again is not None
    assert again.seen == 1


@given(xs=st.lists(st.integers(0, 10**9), min_size=1, max_size=60), seed=st.integers(0, 9))
@settings(max_examples=50)
def test_a_mean_stays_between_what_it_saw_and_comes_to_what_stays(xs: list[int], seed: int) -> None:
    profile = Profile(seen=0, numbers={})
    for x in xs:
        profile = profile.after({"x": x})
        assert min(xs) <= profile.numbers["x"] <= max(xs)
    aim = Random(seed).randrange(10**9)
    for _ in range(300):
        profile = profile.after({"x": aim})
    assert abs(profile.numbers["x"] - aim) <= 5
    assert profile.seen == len(xs) + 300


def test_what_an_order_does_not_say_moves_nothing() -> None:
    turn = Turn(role="user", text="hi")
    asked = Order(swarm="default", question=Question(text="2?", expects="free", before=(turn,)), protocol="no such")
    numbers = measured(asked, None, cancelled=True)
    assert not {"max_tokens", "temperature", "depth", "calls"} & numbers.keys()
    assert (numbers["turns_before"], numbers["cancels"], numbers["decided"]) == (UNIT, UNIT, 0)
    sure = measured(Order(swarm="d", question=asked.question, protocol="vote(samples=9, stop=likely, sure=0.8)"),
                    Decision(status="undecided", key=None))  # fmt: skip
    assert (sure["depth"], sure["sure"]) == (9 * UNIT, 800_000)
    kept = Profile(seen=9, numbers={"max_tokens": 5}).after(numbers)
    assert kept.numbers["max_tokens"] == 5


def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "words.txt"
    other.write_text("no database, but words enough to be none " * 50)
    with pytest.raises(UsageError, match="cannot be used"):
        Callers(other, ())
    with pytest.raises(UsageError, match="give another file"):
        Callers(other / "below", ())
    with pytest.raises(UsageError, match="0 or more"):
        Profile(seen=-1, numbers={})


async def test_a_full_disk_costs_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    callers = Callers(None, ("ada",))
    callers._file.execute("CREATE TRIGGER no BEFORE INSERT ON callers BEGIN SELECT RAISE(ABORT, 'full'); END")  # pyright: ignore[reportPrivateUsage]
    at = host(callers)
    assert (await (at.start(order())).decision()).key == "4"
    assert "could not be written" in caplog.text


async def test_each_caller_has_skills_of_their_own() -> None:
    books = {"ada": SkillBook(), "ben": SkillBook()}
    at = Host({"default": Hosted(swarm(), skills=books.get)})
    for _ in range(3):
        await ended(at, order())
    assert (await at.start(order()).decision()).rule == "two-first(majority)"
    assert (await at.start(order("ben")).decision()).rule == "majority"
    assert (await at.start(order("local")).decision()).rule == "majority"
    assert SECRET in books["ada"].skills()[0][1].question
    assert books["ben"].skills()[0][1].stage == "detected"
