"""The page can be used by keyboard, read in the dark, on a phone and by a screen reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

Faults = Callable[["Page"], list[str]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_on_a_run(run: Page, faults: Faults, scheme: Literal["light", "dark"]) -> None:
    run.emulate_media(color_scheme=scheme)
    run.locator(f"html[data-theme={scheme}]").wait_for()
    assert faults(run) == []
    run.get_by_role("button", name="ben, round 2: 8").click()
    run.locator(".turn.reply").wait_for()
    run.get_by_role("button", name="Drop").click()
    run.get_by_role("button", name="Edit…").click()
    run.keyboard.press("Home")
    assert faults(run) == []


def test_axe_finds_no_fault_on_the_first_page_and_the_dialogs(page: Page, faults: Faults) -> None:
    page.goto("/")
    page.get_by_role("main").get_by_text("Nothing was asked yet").or_(
        page.get_by_role("link", name="Open the newest")
    ).wait_for()
    assert faults(page) == []
    page.keyboard.press("?")
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert faults(page) == []


@pytest.mark.parametrize("width", [320, 375, 768])
def test_nothing_is_wider_than_a_phone(run: Page, width: int) -> None:
    run.set_viewport_size({"width": width, "height": 720})
    run.get_by_role("button", name="Channels").wait_for()
    assert run.evaluate(
        "document.querySelector('main').scrollWidth <= innerWidth && document.body.scrollWidth <= innerWidth"
    )
    assert run.get_by_label("Moment", exact=True).is_visible()


def test_a_chosen_theme_stays(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    page.goto("/")
    page.get_by_role("button", name="Use dark colours").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_a_closed_message_gives_the_focus_back(run: Page) -> None:
    cell = run.get_by_role("button", name="ada, round 1: 9")
    cell.focus()
    run.keyboard.press("Enter")
    heading = run.get_by_role("region", name="Message", exact=True).get_by_role("heading", name="ada")
    heading.wait_for()
    assert heading.evaluate("h => h === document.activeElement")
    run.keyboard.press("Escape")
    heading.wait_for(state="detached")
    assert cell.evaluate("c => c === document.activeElement")


def test_help_lists_the_keys_and_escape_closes_it(page: Page) -> None:
    page.goto("/")
    page.get_by_role("banner").wait_for()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    assert "play and pause" in dialog.inner_text()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
