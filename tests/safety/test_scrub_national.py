"""Phone numbers as they are written in one country are found standing alone, and other numbers are left."""

from __future__ import annotations

import sys
from time import process_time

import pytest

from waggledance.core import UnknownName, UsageError
from waggledance.safety import HARD, HardScrub
from waggledance.testing import HARMLESS

phonenumbers = pytest.importorskip("phonenumbers", reason="pip install waggledance[phones]")

SPOKEN_OF = ("US", "GB", "DE", "FR", "IT", "ES", "NL", "PL", "SE", "IN", "JP", "BR", "NG", "ZA", "AU", "CA")


def examples() -> list[tuple[str, str]]:
    """Return libphonenumber's own mobile and fixed-line number of each region, in its national form."""
    kinds = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    numbers = [(region, phonenumbers.example_number_for_type(region, kind))
               for region in sorted(phonenumbers.SUPPORTED_REGIONS) for kind in kinds]  # fmt: skip
    national = phonenumbers.PhoneNumberFormat.NATIONAL
    return [(region, phonenumbers.format_number(number, national)) for region, number in numbers if number is not None]


def test_of_national_numbers_standing_alone_95_in_100_are_gone_where_the_country_is_known() -> None:
    scrubs = {region: HardScrub(("PHONE",), region=region) for region, _ in examples()}
    texts = [(region, f"Yes, {number} is best after six.") for region, number in examples()]
    gone = [scrubs[region].clean(text).text == "Yes, [PHONE_1] is best after six." for region, text in texts]
    bare = [HARD.clean(text).text == "Yes, [PHONE_1] is best after six." for _, text in texts]
    assert sum(gone) / len(gone) >= 0.95
    assert sum(bare) / len(bare) < 0.6, "the rules alone know no country"


def test_of_numbers_that_are_nobodys_phone_99_in_100_stay() -> None:
    """What is taken is nine digits in a row, which in Spain and Poland are a number in use."""
    scrubs = [HardScrub(("PHONE",), region=region) for region in SPOKEN_OF]
    stays = [scrub.clean(text).text == text for scrub in scrubs for text in HARMLESS]
    assert sum(stays) / len(stays) >= 0.99


def test_what_a_rule_has_found_keeps_its_kind() -> None:
    assert HardScrub(region="US").clean("4111 1111 1111 1111, 415 555 2671").text == "[CARD_1], [PHONE_1]"


def test_a_text_of_nothing_but_numbers_does_not_make_it_slow() -> None:
    scrub = HardScrub(("PHONE",), region="GB")
    began = process_time()
    scrub.clean("02079 460958 1/2 (020) " * 400)
    assert process_time() - began < 5


def test_a_region_that_nobody_has_numbers_of_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="region"):
        HardScrub(region="UK")


def test_a_region_without_phones_among_the_kinds_is_refused() -> None:
    with pytest.raises(UsageError, match="PHONE"):
        HardScrub(("EMAIL",), region="GB")


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    with pytest.raises(UsageError, match=r"pip install waggledance\[phones\]"):
        HardScrub(region="GB")
