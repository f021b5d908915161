"""What someone sees who opens the studio: nothing yet, a swarm at work, its messages, and any moment of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from waggledance.core import Decision

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

Ask = Callable[..., Decision]
StudioOf = Callable[[Path], AbstractContextManager[str]]


def shown(page: Page) -> str:
    """Return which message is shown, such as ``3 of 12``."""
    return " ".join(page.get_by_label("Message shown").inner_text().split())


def sheet(page: Page) -> Locator:
    """Return the open message."""
    return page.get_by_role("region", name="Message", exact=True)


def test_an_empty_log_says_what_to_do_and_a_swarm_is_watched_while_it_works(page: Page, ask: Ask) -> None:
    page.goto("/")
    page.get_by_role("main").get_by_text("Nothing was asked yet").wait_for()
    assert "waggle ask" in page.get_by_role("main").inner_text()
    swarm = threading.Thread(target=ask, kwargs={"delay_s": 2.0})
    swarm.start()
    try:
        page.get_by_role("navigation", name="Channels").get_by_role("link", name="17 sheep").click()
        page.get_by_role("button", name="live").wait_for()
        early = int(shown(page).split()[0])
        page.locator(".verdict-answer").get_by_text("9", exact=True).wait_for()
    finally:
        swarm.join()
    page.get_by_role("button", name="live").wait_for(state="detached")
    assert int(shown(page).split()[0]) > early
    assert shown(page).split()[0] == shown(page).split()[2]


def test_every_part_of_a_run_is_shown(run: Page) -> None:
    for title in ("Timeline", "Opinions, round by round", "Decision", "Who hears whom", "Messages", "Budget"):
        run.get_by_role("heading", name=title, exact=True).wait_for()
    assert run.get_by_role("button", name="ben, round 1: 8").is_visible()
    assert run.locator(".card-decision .bar-part").all_inner_texts() == ["75 %", "25 %"]
    assert run.get_by_role("list", name="Peers").get_by_role("button", name="ada: thinks 9; heard").is_visible()


def test_an_open_message_shows_prompt_reply_cost_and_causes(run: Page) -> None:
    run.get_by_role("button", name="ben, round 2: 8").click()
    sheet(run).get_by_role("heading", name="ben").wait_for()
    sheet(run).locator(".turn.reply").get_by_text("Answer: 8").wait_for()
    assert "17 sheep" in " ".join(sheet(run).locator(".turn.user").all_inner_texts())
    assert "1 call" in sheet(run).inner_text()
    sheet(run).get_by_role("heading", name="Builds on").wait_for()
    sheet(run).get_by_role("button", name="cleo 9").first.click()
    sheet(run).get_by_role("heading", name="cleo").wait_for()
    run.keyboard.press("Escape")
    sheet(run).wait_for(state="detached")


def test_every_card_goes_back_to_the_moment_that_is_chosen(run: Page) -> None:
    run.keyboard.press("Home")
    run.get_by_text("No answers yet at this moment").wait_for()
    assert shown(run).startswith("1 of ")
    assert run.locator(".card-opinions .cell").count() == 0
    run.keyboard.press("ArrowRight")
    run.keyboard.press("ArrowRight")
    run.get_by_text("Not decided yet").wait_for()
    run.locator(".card-opinions .cell").nth(1).wait_for()  # cards take turns: one may be a few frames behind
    run.locator(".card-messages .row").nth(2).wait_for()
    assert run.locator(".card-opinions .cell").count() == 2
    assert run.locator(".card-messages .row").count() == 3
    run.keyboard.press("End")
    run.locator(".verdict-answer").wait_for()


def test_playing_goes_to_the_end_and_stops(run: Page) -> None:
    run.get_by_label("Speed of playing").select_option("16")
    run.get_by_role("button", name="Play").click()
    run.get_by_role("button", name="Pause").wait_for()
    run.get_by_role("button", name="Play").wait_for()
    last = shown(run).split()[2]
    assert shown(run) == f"{last} of {last}"


def test_a_mark_on_the_timeline_opens_its_message(run: Page) -> None:
    box = run.locator(".timeline-canvas").bounding_box()
    assert box is not None
    messages, lanes = int(shown(run).split()[2]), 5
    column = (box["width"] - 76 - 8) / messages
    run.mouse.click(box["x"] + 76 + column / 2, box["y"] + box["height"] / lanes / 2)  # the asker's lane is the first
    sheet(run).get_by_role("heading", name="question").wait_for()


def test_search_finds_what_was_said_and_opens_it(run: Page) -> None:
    run.keyboard.press("/")
    run.keyboard.type("count them")
    found = run.get_by_role("dialog").get_by_role("button", name="count them").first
    found.get_by_text("answer · round").wait_for()
    found.get_by_text("A farmer has 17 sheep").wait_for()
    run.keyboard.press("ArrowDown")
    run.keyboard.press("Enter")
    sheet(run).get_by_text("I count them one by one").first.wait_for()
    run.keyboard.press("/")
    run.keyboard.type("count")
    run.keyboard.press("Escape")
    run.get_by_role("dialog").wait_for(state="hidden")


def test_a_pinned_message_is_found_again_after_loading(run: Page) -> None:
    run.get_by_role("button", name="ben, round 1: 8").click()
    sheet(run).get_by_role("button", name="Pin").click()
    sheet(run).get_by_role("button", name="Pinned").wait_for()
    run.goto("/")
    run.get_by_role("button", name="ben, answer").first.click()
    sheet(run).get_by_role("heading", name="ben").wait_for()


def test_what_a_peer_says_is_never_more_than_text(page: Page, ask: Ask) -> None:
    script = '<img src="x" onerror="document.title=1"><script>document.title=2</script><b>bold</b>'
    ask(f"How many is {script}?", said=script)
    page.goto("/")
    page.get_by_role("link", name="Open the newest").click()
    page.get_by_role("button", name="ada, round 1: 9").click()
    sheet(page).get_by_text(script).first.wait_for()
    assert page.get_by_role("heading", level=1).inner_text() == f"How many is {script}?"
    assert page.locator("img, script:not([src]), b").count() == 0
    assert page.title().startswith("How many is <img")


def test_a_log_that_is_no_log_is_said_with_what_to_do(page: Page, studio_of: StudioOf, tmp_path: Path) -> None:
    log = tmp_path / "spoilt.db"
    log.write_bytes(b"SQLite format 3\0" + b"\x01" * 4000)
    with studio_of(log) as address:
        page.goto(address)
        page.get_by_text("The log cannot be read").wait_for()
        assert "spoilt.db" in page.get_by_role("main").inner_text()
        assert "waggle studio --log FILE" in page.get_by_role("main").inner_text()


def test_a_studio_that_went_away_is_said(page: Page, studio_of: StudioOf, log: Path) -> None:
    with studio_of(log) as address:
        page.goto(address)
        page.get_by_role("heading", name="waggledance studio").wait_for()
    page.get_by_text("The studio does not answer").first.wait_for()
