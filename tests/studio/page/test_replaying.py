"""Something is changed on the page, the run is replayed with it, and both are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

SHARES = ".card-decision .bar-part"


def changed(page: Page) -> None:
    """Let ben say 9 in the last round, for a replay."""
    page.get_by_role("button", name="ben, round 3: 8").click()
    page.get_by_role("button", name="Edit…").click()
    page.get_by_label("What ben says instead").fill("I was wrong.\nAnswer: 9")
    page.get_by_role("button", name="Keep for the replay").click()


def test_the_answer_that_words_count_as_follows_them_until_somebody_says_otherwise(run: Page) -> None:
    from playwright.sync_api import expect

    run.get_by_role("button", name="ben, round 3: 8").click()
    run.get_by_role("button", name="Edit…").click()
    words, key = run.get_by_label("What ben says instead"), run.get_by_label("The answer it counts as")
    assert key.input_value() == "8"
    words.fill("All but nine ran.\nAnswer: 9 sheep")
    expect(key).to_have_value("9")
    words.fill("I cannot tell.")
    run.get_by_text("Counts as none: no number found").wait_for()
    key.fill("7")
    words.fill("Answer: 6")
    run.get_by_text("Yours, whatever the words say").wait_for()
    assert key.input_value() == "7"
    key.fill("")
    expect(key).to_have_value("6")


def test_a_replay_from_the_record_is_followed_and_stands_beside_the_original(run: Page) -> None:
    assert run.locator(SHARES).all_inner_texts() == ["75 %", "25 %"]
    changed(run)
    run.get_by_label("ask nobody").check()
    run.get_by_role("button", name="Replay", exact=True).click()
    run.get_by_role("button", name="Compare with the original").wait_for()
    run.locator(SHARES).get_by_text("100 %").wait_for()
    assert run.get_by_role("button", name="ben, round 3: 9, changed").is_visible()

    run.get_by_role("button", name="Compare with the original").click()
    run.get_by_text("1 of").wait_for()
    rows = run.get_by_role("group", name="Messages side by side")
    assert rows.locator(".pair.changed").count() == 1
    assert "I was wrong" in rows.locator(".pair.changed").inner_text()
    run.get_by_label("Only what differs").check()
    assert rows.locator(".pair").count() == 1
    assert run.get_by_role("region", name="the original: ").locator(".bar-part").all_inner_texts() == ["75 %", "25 %"]
    assert run.get_by_role("region", name="the replay: ").locator(".bar-part").all_inner_texts() == ["100 %"]


def test_what_the_record_does_not_hold_is_asked_of_live_models(run: Page) -> None:
    run.get_by_role("button", name="ben, round 1: 8").click()
    run.get_by_role("region", name="Message", exact=True).get_by_role("button", name="Drop").click()
    run.get_by_label("ask the models again").check()
    run.get_by_role("button", name="Replay", exact=True).click()
    run.get_by_role("button", name="Compare with the original").wait_for()
    run.locator(SHARES).get_by_text("100 %").wait_for()  # the studio's own model says 9, whoever it is asked for
    assert run.get_by_role("button", name="ben, round 1").count() == 0


def test_a_replay_that_the_record_does_not_hold_is_refused_in_words(
    page: Page, run: Page, expect_errors: list[str]
) -> None:
    run.get_by_role("button", name="ben, round 1: 8").click()
    run.get_by_role("region", name="Message", exact=True).get_by_role("button", name="Drop").click()
    run.get_by_label("ask nobody").check()
    expect_errors.append("409")
    run.get_by_role("button", name="Replay", exact=True).click()
    run.get_by_role("alert").get_by_text("The record does not hold all that is asked").wait_for()


def test_edits_are_listed_in_words_and_can_be_taken_back(run: Page) -> None:
    changed(run)
    run.get_by_label("Decide by another rule").select_option("borda")
    listed = run.locator(".edits")
    assert "Decide by borda" in listed.inner_text()
    run.get_by_role("button", name="Take back: Decide by borda").click()
    assert "borda" not in listed.inner_text()
    run.get_by_role("button", name="Take back: Let ben").click()
    run.get_by_text("Open a message to edit or drop it").wait_for()
    assert run.get_by_role("button", name="Replay", exact=True).is_disabled()
