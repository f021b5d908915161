"""Answers that are numbers: the last one a text settles on, as exact decimal text.

A percent sign and any other unit are left aside: "50 %" and "50" are the same answer, as questions ask "what percent".
"""

from __future__ import annotations

import re
from fractions import Fraction
from unicodedata import normalize

from waggledance.peers._marked import marked, tidy

MAX_DIGITS = 200
"""Of a number and of its canonical text; longer ones count as no number."""

_SUPERSCRIPTS = str.maketrans({c: f"^{d}" for c, d in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True)})
_TEX = (("{,}", ","), ("\\,", ""), ("\\!", ""), ("\\$", "$"), ("\\%", "%"), ("\\times", "×"), ("\\cdot", "×"),
        ("\\text", " "), ("−", "-"), ("–", "-"), ("\u2044", "/"))  # fmt: skip
_TEX_FRACTION = re.compile(r"\\[dt]?frac ?\{(-?\d{1,60})\} ?\{(\d{1,60})\}")
_DECIMAL_COMMA = re.compile(r"^(-?[$€£]?\d{1,60}),(\d{1,2})(?![\d,])")
_CONTINENTAL = re.compile(r"\d{1,3}(?:\.\d{3})+,\d{1,2}")
_NUMBER = re.compile(
    r"""(?<![\w^])(?<!\d[./:])                                       # not inside a word, exponent, version or time
    (?P<sign>(?<![)\]%])[-+]?[$€£¥]?-?)
    (?>(?P<whole>\d{1,60})[ ](?P<part>\d{1,60})/(?P<of>\d{1,60})     # 1 1/2
    |(?P<over>\d{1,60})[ ]?/[ ]?(?P<under>\d{1,60})                  # 1/2
    |(?P<digits>\d{1,3}(?:\.\d{3}){1,60},\d{1,2}                     # 1.234,50
        |\d{1,3}(?:,\d{3}){1,60}(?![\d])(?:\.\d{1,200})?             # 1,234.50
        |\d{1,400}(?:\.\d{1,200})?                                   # 1234.50
        |(?<!\.)\.\d{1,200})                                         # .5
        (?:e(?P<e>[-+]?\d{1,4})(?!\w)                               # 1.5e3
        |[ ]?[×x*·][ ]?10[ ]?\^[ ]?\{?(?P<ten>[-+]?\d{1,4})\}?      # 1.5 × 10^3
        |(?!e[-+]?\d)))
    (?![\d^_]|[/:]\d)
    (?P<scale>[ ]?(?:hundred|thousand|million|billion|trillion)\b)?""",
    re.IGNORECASE | re.VERBOSE,
)
_SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_SMALL = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_WORD = "|".join(sorted((*_SMALL, *_TENS, *_SCALES), key=len, reverse=True))
_WORDS = re.compile(rf"\b(?:minus |negative )?(?:{_WORD})(?:(?: and |[ -])(?:{_WORD})){{0,20}}\b", re.IGNORECASE)
_NOT = re.compile(r"not\b", re.IGNORECASE)
_UNSURE = re.compile(r"\W*(?:unknown|none|n/a|no answer|impossible|undefined|unclear|undetermined|i |cannot|can't)",
                     re.IGNORECASE)  # fmt: skip
_SENTENCE_END = re.compile(r"[.!?;](?= |$)")


def number(text: str) -> str | None:
    r"""Return the number a text settles on, as canonical text; None when it names none.

    What stands after a marker such as "Answer:" counts before all else; without one the last number does.

    >>> number("17 - 8 = 9, so **Answer: $9.00**"), number("It costs 1,234.50 euros."), number("\\boxed{\\frac{1}{3}}")
    ('9', '1234.5', '1/3')
    """
    text = _ascii(text)
    for phrase in marked(text, letter=True):
        if _NOT.match(phrase):
            continue
        found = _of_phrase(phrase)
        if found is not None:
            return found
        if _UNSURE.match(phrase):
            return None
    return _last(text)


def exactly(text: str) -> str | None:
    """Return the canonical text of a number with nothing beside it; None for anything else.

    >>> exactly("$1,000"), exactly("12 men")
    ('1000', None)
    """
    text = _ascii(text).strip()
    match = _NUMBER.fullmatch(text)
    return None if match is None else _canonical(_value(match))


def _ascii(text: str) -> str:
    text = text.translate(_SUPERSCRIPTS)
    for seen, meant in _TEX:
        text = text.replace(seen, meant)
    text = normalize("NFKC", _TEX_FRACTION.sub(r"\1/\2", text)).replace("\u2044", "/")
    return tidy(text)


def _of_phrase(phrase: str) -> str | None:
    """Read what follows the last equals sign: the number it starts with, else its first sentence's last."""
    phrase = phrase.rpartition("=")[2].strip(" \"'`*_(~≈") or phrase
    phrase = _DECIMAL_COMMA.sub(r"\1.\2", phrase)
    opening = _NUMBER.match(phrase)
    if opening is not None:
        return _canonical(_value(opening))
    sentence = _SENTENCE_END.split(phrase, maxsplit=1)[0]
    return _last(sentence) or _last(phrase)


def _last(text: str) -> str | None:
    for match in reversed(list(_NUMBER.finditer(text))):
        found = _canonical(_value(match))
        if found is not None:
            return found
    words = [m for m in _WORDS.findall(text) if m.lower() != "one" or len(text.split()) <= 3]
    return _canonical(_spelled(words[-1])) if words else None


def _value(match: re.Match[str]) -> Fraction | None:
    if len(match[0]) > 2 * MAX_DIGITS:
        return None
    part = match.groupdict()
    sign = -1 if "-" in part["sign"] else 1
    if part["over"] or part["whole"]:
        under = int(part["under"] or part["of"])
        if under == 0:
            return None
        value = Fraction(int(part["over"] or part["part"]), under) + int(part["whole"] or 0)
    else:
        digits = part["digits"]
        if _CONTINENTAL.fullmatch(digits):
            digits = digits.replace(".", "").replace(",", ".")
        exponent = int(part["e"] or part["ten"] or 0)
        if abs(exponent) > MAX_DIGITS:
            return None
        value = Fraction(digits.replace(",", "")) * Fraction(10) ** exponent
    return sign * value * _SCALES.get((part["scale"] or "").strip().lower(), 1)


def _canonical(value: Fraction | None) -> str | None:
    """Write a number as decimal text without trailing zeros; as a reduced fraction where no decimal is exact."""
    if value is None:
        return None
    places, rest = 0, value.denominator
    for prime in (2, 5):
        power = 0
        while rest % prime == 0:
            rest, power = rest // prime, power + 1
        places = max(places, power)
    if rest != 1:
        text = f"{value.numerator}/{value.denominator}"
    else:
        digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
        text = digits[: len(digits) - places] + ("." + digits[len(digits) - places :] if places else "")
        text = ("-" if value < 0 else "") + text
    return text if len(text) <= MAX_DIGITS else None


def _spelled(words: str) -> Fraction:
    total = group = 0
    sign = 1
    for word in re.split(r"[ -]", words.lower()):
        if word in ("minus", "negative"):
            sign = -1
        elif word in _SMALL or word in _TENS:
            group += _SMALL.get(word, 0) + _TENS.get(word, 0)
        elif word == "hundred":
            group = (group or 1) * 100
        elif word in _SCALES:
            total, group = total + (group or 1) * _SCALES[word], 0
    return Fraction(sign * (total + group))
