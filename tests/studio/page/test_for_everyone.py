"""The page can be used by keyboard, read in the dark, on a phone and by a screen reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from waggledance.core import Decision

Ask = Callable[..., Decision]
Faults = Callable[[Any], list[str]]


def opened(page: Any) -> None:
    """Open the newest channel."""
    page.get_by_role("navigation", name="Channels").get_by_role("link").first.click()
    page.locator(".card-budget canvas").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_fault_anywhere_on_the_page(page: Any, asked: Ask, faults: Faults, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    assert faults(page) == []
    asked()
    opened(page)
    assert page.locator("html").get_attribute("data-theme") == scheme
    assert faults(page) == []
    page.get_by_role("button", name="ben, round 2: 8").click()
    page.locator(".turn.reply").wait_for()
    page.get_by_role("button", name="Drop").click()
    page.get_by_role("button", name="Edit…").click()
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Help: keys").click()
    assert faults(page) == []


@pytest.mark.parametrize("width", [320, 375, 768])
def test_nothing_is_wider_than_a_phone(page: Any, asked: Ask, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 720})
    asked()
    if width < 800:
        page.get_by_role("button", name="Channels").click()
    opened(page)
    assert page.evaluate("document.querySelector('main').scrollWidth <= innerWidth && document.body.scrollWidth <= innerWidth")
    assert page.get_by_label("Moment", exact=True).is_visible()


def test_a_chosen_theme_stays(page: Any) -> None:
    page.emulate_media(color_scheme="light")
    page.get_by_role("button", name="Use dark colours").click()
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.reload()
    assert page.locator("html").get_attribute("data-theme") == "dark"


def test_a_closed_message_gives_the_focus_back(page: Any, asked: Ask) -> None:
    asked()
    opened(page)
    cell = page.get_by_role("button", name="ada, round 1: 9")
    cell.focus()
    page.keyboard.press("Enter")
    heading = page.get_by_role("region", name="Message", exact=True).get_by_role("heading", name="ada")
    heading.wait_for()
    assert heading.evaluate("h => h === document.activeElement")
    page.keyboard.press("Escape")
    heading.wait_for(state="detached")
    assert cell.evaluate("c => c === document.activeElement")


def test_help_lists_the_keys_and_escape_closes_it(page: Any) -> None:
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    assert "play and pause" in dialog.inner_text()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")


