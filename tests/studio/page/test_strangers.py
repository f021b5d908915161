"""What runs look like that are not as the makers of a page think of them: long words, many peers, no answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from waggledance import Swarm
from waggledance.core import AnswerKind, Log, RunFailed
from waggledance.peers import FunctionPeer
from waggledance.protocols import Debate

if TYPE_CHECKING:
    from playwright.sync_api import Page

LONG_NAME = "the scout of the far north, who sleeps late"
LONG_QUESTION = "Which of the many sites that were found is the best? " * 30
LONG_ANSWER = "Supercalifragilisticexpialidocious" * 30
CITIES = ("Lima", "Oslo", "Pune")


def out_of_order(_question: str) -> str:
    raise RunFailed("the model is out of order")


def ask_strangely(path: Path) -> None:
    """Write one channel of each kind, the last one newest."""

    def ask(text: str, peers: list[FunctionPeer], expects: AnswerKind, options: Sequence[str] = ()) -> None:
        with suppress(RunFailed):
            Swarm(peers, log=kept, protocol=Debate(rounds=1)).ask_sync(text, expects=expects, options=options)

    with Log(path) as kept:
        ask("Who will answer this?", [FunctionPeer(name, out_of_order) for name in ("ada", "ben")], "short")
        cities = [FunctionPeer(f"scout-{i:02}", lambda _, i=i: CITIES[i % 3]) for i in range(40)]  # type: ignore[misc]
        ask("Which city?", cities, "choice", CITIES)
        wordy = [FunctionPeer(name, lambda _: LONG_ANSWER) for name in ("ada", LONG_NAME)]
        ask(LONG_QUESTION, wordy, "free")
        for i in range(20):
            ask(f"Row {i}: 2 + 2?", [FunctionPeer("ada", lambda _: "4")], "number")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a log of strange runs."""
    path = tmp_path_factory.mktemp("strange") / "log.db"
    with ThreadPoolExecutor(1) as apart:  # playwright's loop may run in this one
        apart.submit(ask_strangely, path).result()
    return path


@pytest.fixture
def open_run(page: Page) -> Callable[[str], Page]:
    """Return what opens the channel of a question."""

    def opened(words: str) -> Page:
        page.goto("/")
        page.get_by_role("navigation", name="Channels").get_by_role("link", name=words).click()
        page.locator(".card-budget canvas").wait_for()
        return page

    return opened


def cut_off(page: Page) -> list[str]:
    """Return what stands out of its card to the side, where no scrolling brings it back."""
    found: list[str] = page.evaluate("""() => [...document.querySelectorAll('main .card :not(svg *)')].flatMap(part => {
      const card = part.closest('.card').getBoundingClientRect(), box = part.getBoundingClientRect();
      const scrolled = part.closest('.plan, .matrix, .tip, .unseen');
      const inside = scrolled || box.width === 0 || box.right <= card.right + 1;
      return inside ? [] : [`${part.className}: ${part.textContent.slice(0, 40)}`];
    })""")
    return found


def test_why_nobody_answered_is_said_at_once(open_run: Callable[[str], Page]) -> None:
    decision = open_run("Who will answer this?").locator(".card-decision")
    assert decision.locator("summary").inner_text() == "2 peers without an answer"
    assert decision.get_by_text("the model is out of order").first.is_visible()


def test_what_letters_stand_for_is_said_beside_them(open_run: Callable[[str], Page]) -> None:
    keys = open_run("Which city?").locator(".card-decision .bar-key").all_inner_texts()
    assert sorted(" ".join(key.split()) for key in keys) == ["A Lima", "B Oslo", "C Pune"]


def test_names_stand_in_one_line_beside_their_opinions(open_run: Callable[[str], Page]) -> None:
    for words, name in (("Which city?", "scout-07"), ("Which of the many", LONG_NAME)):
        page = open_run(words)
        box = page.locator(".peer-name", has_text=name).bounding_box()
        cell = page.locator("tr", has=page.locator(".peer-name", has_text=name)).locator("td").first.bounding_box()
        assert box is not None
        assert cell is not None
        assert box["height"] < 36
        assert box["x"] + box["width"] <= cell["x"] + 1


@pytest.mark.parametrize("width", [1440, 390])
def test_long_words_are_folded_and_can_be_unfolded_and_nothing_stands_out(
    open_run: Callable[[str], Page], page: Page, width: int
) -> None:
    open_run("Which of the many")
    page.set_viewport_size({"width": width, "height": 900})
    heading = page.locator(".question h1")
    folded = heading.bounding_box()
    heading.get_by_role("button", name="Show the whole question").press("Enter")
    unfolded = heading.bounding_box()
    assert folded is not None
    assert unfolded is not None
    assert folded["height"] < 200 < unfolded["height"]
    heading.get_by_role("button", name="Show less").wait_for()
    page.get_by_role("button", name="Show the whole answer").click()
    assert cut_off(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_channel_that_is_shown_is_seen_in_the_list(open_run: Callable[[str], Page]) -> None:
    page = open_run("Who will answer this?")
    page.reload()
    page.locator(".card-budget canvas").wait_for()
    page.set_viewport_size({"width": 1440, "height": 700})
    page.reload()
    page.locator(".card-budget canvas").wait_for()
    current = page.locator(".channels a[aria-current=page]").bounding_box()
    assert current is not None
    assert 0 <= current["y"] <= 700 - current["height"]


def test_on_a_phone_the_first_page_leads_to_the_list(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto("/")
    page.get_by_role("button", name="Show all channels").click()
    page.get_by_role("link", name="Which city?").click()
    page.get_by_role("heading", name="Which city?").wait_for()


def test_without_a_mesh_there_is_no_card_of_it(open_run: Callable[[str], Page]) -> None:
    page = open_run("Which city?")
    assert page.get_by_role("heading", name="Mesh", exact=True).count() == 0
    assert page.locator(".card-timeline canvas").is_visible()


def test_how_far_one_channel_was_zoomed_says_nothing_of_the_next(open_run: Callable[[str], Page], page: Page) -> None:
    open_run("Row 3: 2 + 2?").locator(".card-timeline").get_by_role("button", name="all", exact=True).click()
    page.get_by_role("link", name="Which city?").click()
    page.get_by_role("heading", name="Which city?").wait_for()
    page.locator(".matrix").get_by_text("scout-00").wait_for()
    box = page.locator(".timeline-canvas").bounding_box()
    assert box is not None
    column = (box["width"] - 76 - 8) / int(page.locator(".count").inner_text().split()[-1])
    page.mouse.click(
        box["x"] + 76 + column / 2, box["y"] + 10
    )  # the asker's lane is the first, its question the first mark
    page.locator(".opened").get_by_role("heading", name="question").wait_for()
