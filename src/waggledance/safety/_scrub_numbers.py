"""Numbers that carry their own check: payment cards and bank accounts."""

from __future__ import annotations

import re

_CARDS = (
    (re.compile(r"4"), (13, 16, 19)),  # Visa
    (re.compile(r"5[1-5]|2(?:2[2-9]|[3-6]|7[01]|720)"), (16,)),  # Mastercard
    (re.compile(r"3[47]"), (15,)),  # American Express
    (re.compile(r"3(?:0[0-5]|[689])"), (14, 16, 19)),  # Diners
    (re.compile(r"35"), (16, 17, 18, 19)),  # JCB
    (re.compile(r"6(?:011|22|4[4-9]|5)"), (16, 17, 18, 19)),  # Discover, UnionPay
    (re.compile(r"62|81"), (16, 17, 18, 19)),  # UnionPay
    (re.compile(r"5[06-8]|6"), (13, 14, 15, 16, 17, 18, 19)),  # Maestro
)
"""First digits and lengths, by ISO/IEC 7812 ranges."""

_ACCOUNTS = {
    country: int(length)
    for country, length in re.findall(
        "([A-Z]{2})([0-9]{2})",
        "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
        "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 "
        "LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 "
        "QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30",
    )
}
"""How many characters an account number has in each country of the IBAN registry."""


def luhn_holds(digits: str) -> bool:
    """Say whether the last digit checks the others.

    >>> luhn_holds("79927398713"), luhn_holds("79927398710")
    (True, False)

    Source: Luhn 1960, US patent 2,950,048; ISO/IEC 7812-1, annex B.
    """
    doubled = (int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits)))
    return sum(n // 10 + n % 10 for n in doubled) % 10 == 0


def is_card(text: str) -> int:
    """Return the length of a text that is a card's number, spaces and hyphens included; 0 when it is none."""
    digits = re.sub(r"[ -]", "", text)
    known = any(len(digits) in lengths and first.match(digits) for first, lengths in _CARDS)
    return len(text) if known and luhn_holds(digits) else 0


def account_length(text: str) -> int:
    """Return how many characters at the beginning of a text are an account's number (IBAN); 0 when it has none.

    The rest is what happened to stand behind it: the country says how long its numbers are.

    >>> account_length("GB82 WEST 1234 5698 7654 32 AND more")
    27

    Source: ISO 13616: the first four characters go last, letters count from A = 10, the whole is 1 modulo 97.
    """
    length = _ACCOUNTS.get(text[:2].upper(), 0)
    places = [i for i, character in enumerate(text) if character.isalnum()]
    if not length or len(places) < length:
        return 0
    end = places[length - 1] + 1
    number = re.sub(r"[^0-9A-Za-z]", "", text[:end]).upper()
    value = int("".join(str(int(character, 36)) for character in number[4:] + number[:4]))
    follows = text[end : end + 1]
    return end if value % 97 == 1 and not follows.isalnum() else 0
