from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.peers._number import MAX_DIGITS, exactly, number


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("9", "9"),
        ("9.0", "9"),
        ("-0.50", "-0.5"),
        (".5", "0.5"),
        ("007", "7"),
        ("-0", "0"),
        ("1,234.50", "1234.5"),
        ("1.234,50 €", "1234.5"),
        ("Answer: 3,14", "3.14"),
        ("1,234,567", "1234567"),
        ("$17", "17"),
        ("-$5", "-5"),
        ("$-5", "-5"),
        ("50%", "50"),
        ("9 sheep", "9"),
        ("5kg", "5"),
        ("1/3", "1/3"),
        ("2/4", "0.5"),
        ("1 1/2 hours", "1.5"),
        ("\\frac{1}{3}", "1/3"),
        ("½", "0.5"),
        ("3e4", "30000"),
        ("1.5 × 10^3", "1500"),
        ("1.5 x 10^{-3}", "0.0015"),
        ("2·10⁴", "20000"),
        ("3 million", "3000000"),
        ("three", "3"),
        ("Twenty-one of them", "21"),
        ("one hundred and five", "105"),
        ("two thousand three hundred", "2300"),
        ("minus four", "-4"),
        ("one", "1"),
        ("no one knows how it was done", None),
        ("", None),
        ("many", None),
        ("x2", None),
        ("5^2", None),
        ("5^2 = 25", "25"),
        ("1/0", None),
        ("at 12:30", None),
        ("70{,}000", "70000"),
        ("70\\,000", "70000"),
        ("17 - 8", "8"),
        ("17-8=9", "9"),
        ("The wait is...9", "9"),
        ("(12)", "12"),
        ("２１", "21"),
    ],
)
def test_a_number_is_read_as(text: str, key: str | None) -> None:
    assert number(text) == key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("He has 17 and loses 8.\nAnswer: 9", "9"),
        ("**Answer:** 9 sheep (of 17)", "9"),
        ("**Final Answer**: **$9.00**, as 17 - 8 = 9; see step 3", "9"),
        ("Answer: 17 - 8 = 9 sheep", "9"),
        ("Answer: There are 3 boxes of 4, so 12. Not 13 as in 2020.", "12"),
        ("The answer is 8. Wait, no. The answer is 9. I used 3 steps.", "9"),
        ("The answer is not 8", "8"),
        ("The answer is 9.\nThe answer is not 8.", "9"),
        ("so \\boxed{42} in 3 steps", "42"),
        ("so \\boxed{\\frac{3}{4}} in 3 steps", "0.75"),
        ("#### 42\nin 3 steps", "42"),
        ("#### Step 1: multiply\n6 * 7 = 42", "42"),
        ("It takes 2+1=<<2+1=3>>3 bolts\nA: 3", "3"),
        ("Answer:\n\n9\n\nOf 17.", "9"),
        ("I count 17. Answer: unknown", None),
        ("Answer: see below\nIt is 9", "9"),
        ("The answer to the question (in euros) is 12, not 13", "12"),
        ("Adding 2 and 3 gives 5", "5"),
    ],
)
def test_of_several_numbers_the_one_settled_on_counts(text: str, key: str | None) -> None:
    assert number(text) == key


@given(value=st.fractions(max_denominator=10**6).filter(lambda f: abs(f) < 10**18))
def test_reading_a_canonical_number_again_changes_nothing(value: Fraction) -> None:
    key = number(f"{value.numerator}/{value.denominator}")
    assert key is not None
    assert Fraction(key) == value
    assert number(key) == key
    assert number(f"so it is\nAnswer: {key}") == key


@given(value=st.integers(-(10**15), 10**15), places=st.integers(0, 6), zeros=st.integers(0, 4))
def test_numbers_of_equal_value_have_equal_keys(value: int, places: int, zeros: int) -> None:
    plain = f"{abs(value):0{places + 1}d}"
    whole, part = plain[: len(plain) - places], plain[len(plain) - places :]
    sign = "-" if value < 0 else ""
    dot = "." if part or zeros else ""
    ways = [
        f"{sign}{whole}{dot}{part}{'0' * zeros}",
        f"{sign}{int(whole):,}{dot}{part}{'0' * zeros}",
        f"{sign}${whole}{dot}{part}{'0' * zeros}",
        f"{value}/{10**places}",
        f"{value}e-{places}",
        f"{value} × 10^{{-{places}}}",
    ]
    assert len({number(way) for way in ways}) == 1, ways


def test_numbers_too_long_to_handle_are_no_numbers() -> None:
    assert number("9" * MAX_DIGITS) == "9" * MAX_DIGITS
    assert number("9" * (MAX_DIGITS + 1)) is None
    assert number("1e999999999") is None
    assert number("1e9999") is None


@pytest.mark.parametrize(("text", "key"), [("$1,000", "1000"), ("12 men", None), ("", None), ("2nd", None)])
def test_a_bare_number_has_nothing_beside_it(text: str, key: str | None) -> None:
    assert exactly(text) == key
