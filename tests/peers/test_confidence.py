import pytest

from waggledance.peers._confidence import confidence


@pytest.mark.parametrize(
    ("text", "ppm"),
    [
        ("Confidence: 80%", 800_000),
        ("confidence: 0.8", 800_000),
        ("Confidence: 8/10", 800_000),
        ("Confidence: 80/100", 800_000),
        ("Confidence: 8 out of 10", 800_000),
        ("Confidence level: 8", 800_000),
        ("Confidence: 80", 800_000),
        ("**Confidence:** 95 %", 950_000),
        ("Confidence (0-100%): 70%", 700_000),
        ("I am 90% sure.", 900_000),
        ("I'm about 75 percent certain", 750_000),
        ("Confidence: 1", 1_000_000),
        ("Confidence: 0", 0),
        ("Confidence: 100%", 1_000_000),
        ("My confidence is 33.3%", 333_000),
        ("Confidence: NaN", None),
        ("Confidence: infinity", None),
        ("Confidence: -0.4", None),
        ("Confidence: 1e400", None),
        ("Confidence: 1.0e-3", None),
        ("Confidence: 50%\nConfidence: 60%", 600_000),
        ("Confidence: 150%", None),
        ("Confidence: 5/0", None),
        ("Confidence: high", None),
        ("80% of the sheep", None),
        ("", None),
    ],
)
def test_a_confidence_is_read_as(text: str, ppm: int | None) -> None:
    assert confidence(text)[0] == ppm


def test_what_remains_holds_no_confidence() -> None:
    assert confidence("Answer: 9\nConfidence: 80%\nas 17 - 8 = 9")[1] == "Answer: 9\n\nas 17 - 8 = 9"
