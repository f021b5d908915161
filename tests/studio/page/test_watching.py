"""What someone sees who opens the studio: nothing yet, a swarm at work, its messages, and any moment of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from waggledance.core import Decision

Ask = Callable[..., Decision]


def shown(page: Any) -> str:
    """Return which message is shown, such as ``3 of 12``."""
    return " ".join(page.get_by_label("Message shown").inner_text().split())


def opened(page: Any) -> None:
    """Open the newest channel."""
    page.get_by_role("navigation", name="Channels").get_by_role("link").first.click()
    page.locator(".card-budget canvas").wait_for()


def test_an_empty_log_says_what_to_do(page: Any) -> None:
    page.get_by_role("main").get_by_text("Nothing was asked yet").wait_for()
    assert "waggle ask" in page.get_by_role("main").inner_text()


def test_a_swarm_is_watched_while_it_works(page: Any, asked: Ask) -> None:
    swarm = threading.Thread(target=asked, kwargs={"delay_s": 1.0})
    swarm.start()
    try:
        link = page.get_by_role("navigation", name="Channels").get_by_role("link", name="17 sheep")
        link.click()
        page.get_by_role("button", name="live").wait_for()
        page.get_by_text("Not decided yet").wait_for()
        early = int(shown(page).split()[0])
        page.locator(".verdict-answer").get_by_text("9", exact=True).wait_for()
    finally:
        swarm.join()
    page.get_by_role("button", name="live").wait_for(state="detached")
    assert int(shown(page).split()[0]) > early
    assert shown(page).split()[0] == shown(page).split()[2]


def test_every_part_of_a_run_is_shown(page: Any, asked: Ask) -> None:
    asked()
    opened(page)
    for title in ("Timeline", "Opinions, round by round", "Decision", "Who hears whom", "Messages", "Budget", "Mesh"):
        page.get_by_role("heading", name=title, exact=True).wait_for()
    assert page.get_by_role("button", name="ben, round 1: 8").is_visible()
    assert page.locator(".card-decision").get_by_text("75 %").is_visible()
    assert page.get_by_role("list", name="Peers").get_by_role("button", name="ada: thinks 9; heard").is_visible()


def test_an_open_message_shows_prompt_reply_cost_and_causes(page: Any, asked: Ask) -> None:
    asked()
    opened(page)
    page.get_by_role("button", name="ben, round 2: 8").click()
    sheet = page.get_by_role("region", name="Message", exact=True)
    sheet.get_by_role("heading", name="ben").wait_for()
    sheet.locator(".turn.reply").get_by_text("Answer: 8").wait_for()
    assert "17 sheep" in sheet.locator(".turn.user").first.inner_text()
    assert "1 call" in sheet.inner_text()
    sheet.get_by_role("heading", name="Builds on").wait_for()
    sheet.get_by_role("button", name="cleo 9").first.click()
    sheet.get_by_role("heading", name="cleo").wait_for()
    page.keyboard.press("Escape")
    sheet.wait_for(state="detached")


def test_every_card_goes_back_to_the_moment_that_is_chosen(page: Any, asked: Ask) -> None:
    asked()
    opened(page)
    page.keyboard.press("Home")
    assert shown(page).startswith("1 of ")
    page.get_by_text("No answers yet at this moment").wait_for()
    assert page.get_by_role("button", name="round 1").count() == 0
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator(".card-opinions .cell").count() == 2
    assert page.locator(".card-messages .row").count() == 3
    page.get_by_text("Not decided yet").wait_for()
    page.keyboard.press("End")
    page.locator(".verdict-answer").wait_for()


def test_playing_goes_to_the_end_and_stops(page: Any, asked: Ask) -> None:
    asked()
    opened(page)
    page.get_by_label("Speed of playing").select_option("16")
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Play").wait_for()
    last = shown(page).split()[2]
    assert shown(page) == f"{last} of {last}"


def test_a_mark_on_the_timeline_opens_its_message(page: Any, asked: Ask) -> None:
    asked()
    opened(page)
    box = page.locator(".timeline-canvas").bounding_box()
    page.mouse.click(box["x"] + box["width"] - 40, box["y"] + box["height"] * 0.1)  # the outcome, in the asker's lane
    page.get_by_role("region", name="Message", exact=True).get_by_role("heading", name="decision").wait_for()


def test_search_finds_what_was_said_and_opens_it(page: Any, asked: Ask) -> None:
    asked(said="The shepherd whistles.")
    opened(page)
    page.keyboard.press("/")
    page.keyboard.type("shepherd")
    page.get_by_role("dialog").get_by_role("button", name="shepherd").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("region", name="Message", exact=True).get_by_text("The shepherd whistles").first.wait_for()


def test_a_pinned_message_is_found_again_after_loading(page: Any, asked: Ask) -> None:
    asked()
    opened(page)
    page.get_by_role("button", name="ben, round 1: 8").click()
    sheet = page.get_by_role("region", name="Message", exact=True)
    sheet.get_by_role("button", name="Pin").click()
    sheet.get_by_role("button", name="Pinned").wait_for()
    page.goto("/")
    page.get_by_role("button", name="ben, answer").first.click()
    sheet.get_by_role("heading", name="ben").wait_for()


def test_what_a_peer_says_is_never_more_than_text(page: Any, asked: Ask) -> None:
    script = '<img src="x" onerror="document.title=1"><script>document.title=2</script><b>bold</b>'
    asked(said=script)
    opened(page)
    page.get_by_role("button", name="ada, round 1: 9").click()
    sheet = page.get_by_role("region", name="Message", exact=True)
    sheet.get_by_text(script).first.wait_for()
    assert page.locator("img, script:not([src]), b").count() == 0
    assert "17 sheep" in page.title()


def test_a_log_that_is_no_log_is_said_with_what_to_do(page: Any, tmp_path: Path) -> None:
    (tmp_path / "log.db").write_bytes(b"SQLite format 3\0" + b"\x01" * 4000)
    page.get_by_text("The log cannot be read").wait_for()
    assert "waggle log repair" in page.get_by_role("main").inner_text()
