"""Channels that are no plain question: a plan of many tasks, a conversation of people, a decision that is certified."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from waggledance.consensus import Ack
from waggledance.core import (
    UNIT,
    Log,
    Member,
    Message,
    MessageId,
    Opening,
    Outcome,
    PeerId,
    Proposal,
    Question,
    Roster,
    Say,
    compose,
    local_peer_id,
    swarm_id,
)
from waggledance.tasks import Add, Link, PlanEdit, Task

if TYPE_CHECKING:
    from playwright.sync_api import Page

StudioOf = Callable[[Path], AbstractContextManager[str]]
Faults = Callable[["Page"], list[str]]
ASKER, NAMES = local_peer_id("asker"), ("ada", "ben", "cleo", "dov")
ADA, BEN = local_peer_id("ada"), local_peer_id("ben")


def write(path: Path, channel: str, *bodies: tuple[PeerId, Any]) -> None:
    """Write bodies one after the other, each built on the one before."""
    said: list[Message[Any]] = []
    with Log(path) as log:
        for author, body in bodies:
            mine = [message for message in said if message.author == author]
            previous = mine[-1].id if mine else None
            parents = (said[-1].id,) if said and said[-1].id != previous else ()
            at = len(said) + 1
            message, raw = compose(author, body, len(mine) + 1, previous, parents, at, at, swarm_id("s"), channel)
            log.append(message, raw)
            said.append(message)


def opening(**more: Any) -> Opening:
    members = tuple(Member(local_peer_id(name), name, UNIT) for name in NAMES)
    return Opening(question=Question(text="How many sheep?", expects="number"), members=members, **more)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a log with a plan of 40 tasks in a row, a conversation, and a certified decision."""
    path = tmp_path_factory.mktemp("kinds") / "log.db"
    tasks = [Task(goal=f"Look after hive number {i + 1}") for i in range(40)]
    links = [Link(one.id, next.id) for one, next in pairwise(tasks)]
    write(path, "plan", (ASKER, opening(protocol="plan")), (ASKER, PlanEdit(ops=(*map(Add, tasks), *links))))
    room = Opening(question=Question(text="The room tea", expects="free"), members=(), protocol="thread")
    write(
        path,
        "chat-tea",
        (ASKER, room),
        (ASKER, Roster(members=(Member(ADA, "ada"), Member(BEN, "ben")))),
        (ADA, Say(text="Is <b>Ben</b> here?")),
        (BEN, Say(text="Yes.", decided_in="certified")),
    )
    vote: dict[str, Any] = {"question": MessageId(bytes(32)), "digest": bytes(range(32)), "signature": bytes(64)}
    answers = [(local_peer_id(name), Proposal(key="9", text="9")) for name in NAMES]
    acks = [(local_peer_id(name), Ack(**vote)) for name in NAMES[:3]]
    ended = (ASKER, Outcome(status="decided", key="9", rule="majority", decision=bytes(32)))
    asked = (ASKER, opening(protocol="vote", rule="majority", certify="byzantine"))
    write(path, "certified", asked, *answers, *acks, ended)
    return path


@pytest.fixture
def shown(page: Page, studio_of: StudioOf, log: Path) -> Generator[Callable[[str], Page]]:
    """Return what opens a channel of the log."""
    with studio_of(log) as address:

        def opened(channel: str) -> Page:
            page.goto(f"{address}#/c/{channel}")
            page.locator(".card-timeline").wait_for()
            return page

        yield opened


def test_a_plan_is_zoomed_moved_and_read_by_keyboard_and_mouse(shown: Callable[[str], Page], faults: Faults) -> None:
    from playwright.sync_api import expect

    page = shown("plan")
    plan = page.get_by_role("group", name="Tasks of the plan")
    assert plan.evaluate("e => e.scrollWidth <= e.clientWidth")  # a row too long for the card runs down
    before = page.locator(".count").inner_text()
    plan.focus()
    for key in "++++++":
        page.keyboard.press(key)
    page.keyboard.press("ArrowDown")
    assert plan.evaluate("e => e.scrollTop") > 0
    assert page.locator(".count").inner_text() == before  # the arrows moved the plan, and not the moment
    zoomed = page.locator(".plan-page").evaluate("e => e.style.transform")
    page.keyboard.press("0")
    assert page.locator(".plan-page").evaluate("e => e.style.transform") == "scale(1)" != zoomed

    page.locator(".task[title='Look after hive number 2']").click()
    page.get_by_role("region", name="Task").get_by_text("Look after hive number 2").wait_for()
    page.get_by_role("region", name="Task").get_by_text("After “Look after hive number 1”").wait_for()
    assert faults(page) == []

    box, top = plan.bounding_box(), plan.evaluate("e => e.scrollTop")
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 300)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 120, steps=4)
    page.mouse.up()
    assert plan.evaluate("e => e.scrollTop") == top + 180
    page.get_by_role("region", name="Task").get_by_text("hive number 2").wait_for()  # nothing was pressed
    page.keyboard.down("Control")
    page.mouse.wheel(0, -100)
    page.keyboard.up("Control")
    expect(page.locator(".plan-page")).to_have_css("transform", "matrix(1.25, 0, 0, 1.25, 0, 0)")


def test_a_conversation_has_turns_with_names_and_nothing_to_decide(
    shown: Callable[[str], Page], faults: Faults
) -> None:
    page = shown("chat-tea")
    turns = page.get_by_role("list", name="Turns up to this moment")
    assert turns.get_by_text("ada, ben came in").is_visible()
    assert turns.locator(".turn-text").all_inner_texts() == ["Is <b>Ben</b> here?", "Yes."]
    assert turns.locator(".turn-head strong").all_inner_texts() == ["ada", "ben"]
    assert page.get_by_role("heading", name="Decision").count() == 0
    assert page.get_by_role("button", name="Intervene").count() == 0
    assert faults(page) == []
    turns.get_by_role("link", name="how it came to that").click()
    page.get_by_role("heading", name="Decision").wait_for()


def test_a_certificate_says_who_signed_and_stands_from_its_quorum_on(
    shown: Callable[[str], Page], faults: Faults
) -> None:
    page = shown("certified")
    certificate = page.get_by_role("region", name="Certificate")
    assert page.locator(".badge.certified").is_visible()
    assert "3 of 4 votes signed, 2.67 needed" in certificate.inner_text()
    assert certificate.locator(".stage").all_inner_texts() == [
        "✓ ada signed",
        "✓ ben signed",
        "✓ cleo signed",
        "– dov nothing",
    ]
    assert faults(page) == []
    page.keyboard.press("ArrowLeft")  # before the outcome
    page.keyboard.press("ArrowLeft")  # before the third signature
    certificate.get_by_text("2 of 4 votes signed, not enough").wait_for()
