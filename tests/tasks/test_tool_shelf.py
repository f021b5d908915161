"""Tools of peers: found by meaning, used only when two others vouch, run only in the sandbox."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from waggledance.core import Channel, Message, RunFailed, UsageError, local_peer_id, swarm_id
from waggledance.tasks import Sandbox, Tool, ToolOffer, ToolRetire, ToolShelf, ToolVouch, call_tool, try_tool

ANNA, BEN, CLEO, DORA = (local_peer_id(name) for name in ("anna", "ben", "cleo", "dora"))

# name: what it does; below it two needs that it fits
LISTED = """
convert_currency: Convert an amount of money from one currency to another
    how many dollars are 30 euros; change yen into pounds
parse_date: Read a date written in any common format
    turn '3rd of May 2020' into a date; understand date strings in a log
word_count: Count the words of a text
    how many words has this essay; check the text is under 500 words
fetch_weather: Forecast of the weather for a city
    will it rain in Oslo tomorrow; temperature forecast for Madrid
resize_image: Resize an image to a width and height
    make this picture smaller; scale the photo to 200 pixels wide
sort_table: Sort the rows of a table by a column
    order the rows by price; rank table rows by the column score
find_primes: List all prime numbers up to a limit
    which numbers below 100 are prime; generate prime numbers
solve_linear: Solve a system of linear equations
    find x and y from two equations; solve linear equations with three unknowns
translate_text: Translate text from one language to another
    say this sentence in French; translate a German letter
summarise_text: Summarise a long text in a few sentences
    give me the gist of this article; shorten this report to a summary
plot_chart: Draw a chart of numbers
    draw a bar chart of sales; plot these points on a graph
send_email: Write and send an email to an address
    email the results to my boss; send a message to an email address
zip_files: Compress files into one archive
    pack the folder into an archive; compress these files
hash_file: Compute the checksum of a file
    check the file's checksum; compute the hash of a download
split_pdf: Split a PDF document into single pages
    get page 3 of the PDF; cut a PDF into pages
spell_check: Find spelling mistakes in a text
    correct the spelling of my letter; find misspelled words
detect_language: Say which language a text is written in
    is this Spanish or Portuguese; which language is this text
count_colors: List the colours used in an image
    which colours are in the picture; find the main colour of a photo
measure_distance: Distance between two places on a map
    how far is Rome from Paris; distance between two cities
schedule_meeting: Find a time for a meeting in several calendars
    when can all four of us meet; book a meeting in the calendar
query_database: Run an SQL query on a database
    select all customers from the database; run SQL and return rows
parse_json: Read JSON and take a value out of it
    get the field name out of this JSON; read a JSON document
merge_csv: Join several CSV files into one
    combine two CSV files; join CSV files on the id column
roll_dice: Roll dice with any number of sides
    throw two dice; roll a twenty sided die
calorie_count: Estimate the calories of a meal
    how many calories has a pizza; calories of this meal
loan_rate: Monthly payments of a loan with interest
    what do I pay monthly for a mortgage; interest of a loan over ten years
extract_audio: Take the sound track out of a video
    get the audio of this video; save the sound of a film
transcribe_speech: Write down what is said in a recording
    type up this interview recording; speech to text for a recording
check_links: Find dead links on a web page
    are there broken links on the page; test all links of a website
encrypt_text: Encrypt a text with a password
    protect this note with a password; encrypt a message
"""
TOOLS: dict[str, tuple[str, str, str]] = {}
ROWS = LISTED.strip().split("\n")
for first, second in zip(ROWS[::2], ROWS[1::2], strict=True):
    name, _, about = first.partition(": ")
    one, _, other = second.strip().partition("; ")
    TOOLS[name] = (about, one, other)


class Shed:
    """A channel of offers and vouches."""

    def __init__(self) -> None:
        self.channel = Channel(swarm_id("t"), "t")

    def say(self, body: Any, by: Any) -> Message[Any]:
        return self.channel.publish(by, body, [], 0)

    @property
    def shelf(self) -> ToolShelf:
        return ToolShelf(self.channel.messages())

    def stock(self, offer: ToolOffer) -> None:
        self.say(offer, ANNA)
        for peer in (BEN, CLEO):
            self.say(ToolVouch(tool=offer.tool, passed=True), peer)


def an_offer(name: str = "add", about: str = "Add two numbers", code: str = "def add(a, b):\n    return a + b\n",
             tests: str = "from tool import add\nassert add(2, 3) == 5\n") -> ToolOffer:  # fmt: skip
    return ToolOffer(name=name, about=about, code=code, tests=tests)


def stocked() -> Shed:
    shed = Shed()
    for name, (about, *_) in TOOLS.items():
        shed.stock(an_offer(name, about, code=f"def {name}():\n    return 1\n"))
    return shed


def usable(shed: Shed) -> bool:
    return bool(shed.shelf.usable())


def test_a_tool_is_usable_when_two_others_vouch_and_not_by_its_authors_word() -> None:
    shed, offer = Shed(), an_offer()
    shed.say(offer, ANNA)
    for _ in range(3):
        shed.say(ToolVouch(tool=offer.tool, passed=True), ANNA)
    shed.say(ToolVouch(tool=offer.tool, passed=True), BEN)
    assert not usable(shed)
    shed.say(ToolVouch(tool=offer.tool, passed=True), CLEO)
    assert usable(shed)
    shed.say(offer, BEN)  # who offers it as well vouches no more
    assert not usable(shed)


def test_who_finds_that_it_fails_takes_their_word_back_and_as_many_noes_as_ayes_close_it() -> None:
    shed, offer = Shed(), an_offer()
    shed.stock(offer)
    shed.say(ToolVouch(tool=offer.tool, passed=False), CLEO)
    assert not usable(shed)
    shed.say(ToolVouch(tool=offer.tool, passed=True), CLEO)
    assert usable(shed)
    for i in range(2):
        shed.say(ToolVouch(tool=offer.tool, passed=False), local_peer_id(f"no{i}"))
    assert not usable(shed)


def test_its_author_retires_it_and_nobody_else_can() -> None:
    shed, offer = Shed(), an_offer()
    shed.stock(offer)
    shed.say(ToolRetire(tool=offer.tool), DORA)
    assert usable(shed)
    shed.say(ToolRetire(tool=offer.tool), ANNA)
    assert not usable(shed)


def test_the_shelf_is_blind_to_the_order_of_messages_and_a_peer_may_trust_few_authors() -> None:
    shed = stocked()
    messages = list(shed.channel.messages())
    assert ToolShelf(Random(1).sample(messages, len(messages))).tools == shed.shelf.tools
    assert shed.shelf.usable([DORA]) == []
    assert len(shed.shelf.usable([ANNA])) == 30


def test_of_sixty_needs_nine_in_ten_find_their_tool_among_the_first_three() -> None:
    shelf = stocked().shelf
    found = sum(name in [tool.offer.name for tool in shelf.search(need)]
                for name, (_, *needs) in TOOLS.items() for need in needs)  # fmt: skip
    assert found >= 54


def test_a_tool_that_is_there_is_not_made_again_and_another_one_is() -> None:
    shelf = stocked().shelf
    again = sum(shelf.like(an_offer(f"{name}_too", f"A tool to {about[0].lower()}{about[1:]}.")) is not None
                for name, (about, *_) in TOOLS.items())  # fmt: skip
    assert again >= 27
    others = (
        "Tune a guitar string",
        "Water the plants of a greenhouse",
        "Find the key of a melody",
        "Fold a paper crane",
    )
    assert [shelf.like(an_offer("other", about)) for about in others] == [None] * 4


@pytest.mark.parametrize(("needs", "of_by_hand"), [(200, 0.79), (400, 0.67)])
def test_on_a_stream_of_needs_tools_that_are_kept_save_calls_and_more_on_a_longer_one(
    needs: int, of_by_hand: float
) -> None:
    """Needs of 20 kinds by Zipf; with its tool a need takes one call, by hand two, and making a tool five."""
    calls = 0
    for seed in range(4):
        rng, shed, shelf, made = Random(seed), Shed(), ToolShelf(()), set[str]()
        kinds = rng.sample(sorted(TOOLS), 20)
        for kind in rng.choices(kinds, weights=[1 / (i + 1) for i in range(20)], k=needs):
            about, *wordings = TOOLS[kind]
            if kind in made:
                found = [tool.offer.name for tool in shelf.search(rng.choice(wordings), k=1)]
                calls += 1 if found == [kind] else 2
                continue
            shed.stock(an_offer(kind, about, code=f"def {kind}():\n    return 1\n"))
            made.add(kind)
            shelf = shed.shelf
            calls += 5 + 1
    assert calls <= of_by_hand * 4 * needs * 2


async def test_a_tool_is_tried_and_called_in_the_sandbox_and_one_whose_tests_fail_gets_no_vouch() -> None:
    sandbox, offer = Sandbox(), an_offer()
    good = await try_tool(offer, sandbox)
    assert (good.tool, good.passed) == (offer.tool, True)
    bad = await try_tool(an_offer(code="def add(a, b):\n    return a - b\n"), sandbox)
    assert not bad.passed
    assert "AssertionError" in bad.reason
    shed = Shed()
    shed.stock(offer)
    (tool,) = shed.shelf.usable()
    assert await call_tool(tool, {"a": 2, "b": 40}, sandbox) == 42
    with pytest.raises(RunFailed, match="the tool 'add' failed"):
        await call_tool(tool, {"a": 2}, sandbox)
    with pytest.raises(UsageError, match="arguments of 'add' that JSON does not have"):
        await call_tool(tool, {"a": object(), "b": 1}, sandbox)


async def test_a_tool_that_nobody_vouches_for_does_not_run() -> None:
    tool = Tool(offer=an_offer(), authors=frozenset([ANNA]), passed=frozenset([BEN]), failed=frozenset(), retired=False)
    with pytest.raises(UsageError, match="1 peers vouch for it"):
        await call_tool(tool, {}, Sandbox())


def test_bad_names_and_searches_are_refused() -> None:
    for name in ("", "Add", "a b", "__import__", "x;y"):
        with pytest.raises(UsageError, match="a tool is named like"):
            an_offer(name)
    with pytest.raises(UsageError, match="finds at least one"):
        ToolShelf().search("add", k=0)
    assert ToolShelf().search("add") == []
    assert ToolShelf().like(an_offer()) is None
