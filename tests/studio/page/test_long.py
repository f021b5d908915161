"""A long channel: shown from its first page on; and while someone scrubs, what is in view follows, the rest waits."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from waggledance import Swarm
from waggledance.core import Log
from waggledance.peers import FunctionPeer
from waggledance.protocols import Debate
from waggledance.studio._archive import READ_AT_ONCE

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

StudioOf = Callable[[Path], AbstractContextManager[str]]
SCRUB = """
moves => new Promise(done => {
  const range = document.querySelector('.strip input');
  const spent = () => document.querySelector('.spent').innerText;
  let [left, before, late, budget] = [moves, 0, false, ''];
  const frame = time => {
    if (left === moves - 2) budget = spent(); // the first move is no scrubbing yet
    late ||= before > 0 && time - before > 80;
    before = time;
    if (left-- === 0) { done(late ? 'late' : spent() === budget ? 'waited' : 'followed'); return; }
    range.value = left * 10;
    range.dispatchEvent(new Event('input', { bubbles: true }));
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})
"""
"""Scrub back to the first message, a move a frame; say what the budget did meanwhile, or that frames came late."""


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a log with a debate of more messages than are read at once, which ended with 9."""
    path = tmp_path_factory.mktemp("long") / "log.db"

    def write() -> None:
        with Log(path) as log:
            peers = [FunctionPeer(f"p{i}", lambda _: "9") for i in range(40)]
            Swarm(peers, protocol=Debate(rounds=READ_AT_ONCE // 40), log=log).ask_sync("How many?", expects="number")

    with ThreadPoolExecutor(1) as apart:  # playwright's loop runs in this one
        apart.submit(write).result()
    return path


def test_a_long_channel_says_what_the_asker_wrote_down_until_all_of_it_is_here(
    page: Page, studio_of: StudioOf, long: Path
) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with studio_of(long) as address:
        page.route("**/api/channels/*?from=300&*", hold)
        page.goto(address)
        page.get_by_role("link", name="Open the newest").click()
        decision = page.locator(".card-decision")
        decision.get_by_text("As the asker wrote it down").wait_for()
        assert decision.locator(".verdict-answer").inner_text() == "9"
        assert "300 of 5," in decision.inner_text()
        page.get_by_text("the others are coming").wait_for()
        held[0].continue_()
        decision.get_by_text("rests on").wait_for()
        assert "40: p0, p1" in decision.inner_text()
        assert page.get_by_text("the others are coming").count() == 0


def test_while_someone_scrubs_cards_out_of_view_wait_and_then_show_the_moment(
    page: Page, studio_of: StudioOf, long: Path
) -> None:
    with studio_of(long) as address:
        page.set_viewport_size({"width": 1440, "height": 700})
        page.goto(address)
        page.get_by_role("link", name="Open the newest").click()
        page.locator(".card-decision").get_by_text("rests on").wait_for()
        did = "late"
        for _ in range(20):
            did = page.evaluate(SCRUB, 40) if did == "late" else did
        page.locator(".count", has_text="1 of ").wait_for()
        page.get_by_text("No answers yet at this moment").wait_for()
        page.locator(".spent li", has_text="calls").get_by_text("0", exact=True).wait_for()
    if did == "late":
        pytest.skip("this machine is too busy to scrub on")
    assert did == "waited", "the budget is below what is seen"
