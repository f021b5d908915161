import pytest

from waggledance.peers._yes_no import yes_no


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("yes", "yes"),
        ("No.", "no"),
        ("TRUE", "yes"),
        ("false", "no"),
        ("Yes, for no reason at all.", "yes"),
        ("No, as it is true that bees dance", "no"),
        ("That is not true.", "no"),
        ("It isn't correct", "no"),
        ("It is not false", "yes"),
        ("Yes? Let me see. Answer: no", "no"),
        ("Answer (yes or no): yes", "yes"),
        ("Answer: yes\nHmm.\nAnswer: no", "no"),
        ("There is no such bee. So the statement is false.", "no"),
        ("There is no reason to doubt, so yes", "yes"),
        ("Is it yes or no?", None),
        ("Yes and no", None),
        ("There is no reason", None),
        ("", None),
        ("perhaps", None),
        ("nobody knows yesterday", None),
        ("**Yes**", "yes"),
        ("The answer is no", "no"),
    ],
)
def test_a_yes_or_no_is_read_as(text: str, key: str | None) -> None:
    assert yes_no(text) == key
