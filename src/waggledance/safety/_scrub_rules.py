r"""What hard identifiers look like. Every pattern is bounded, so that no text makes it slow.

Where numbers carry a check (Luhn of ISO/IEC 7812 for cards, mod 97 of ISO 13616 for accounts), what fails it is left
alone. Days are taken for days of birth only where the words around them say so, or every date would be gone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import pairwise

from waggledance.safety._scrub_numbers import account_length, is_card


@dataclass(frozen=True)
class Rule:
    """One kind of detail: where it stands is the pattern's last group, if it has groups, else all of it."""

    kind: str
    pattern: re.Pattern[str]
    length: Callable[[str], int] = len
    """How many of the characters found belong to the detail; 0: none."""
    needs: Sequence[str] = "0123456789"
    """Without any of these in a text, capitals made small, the pattern cannot match: most texts are passed over so."""

    def places(self, text: str, small: str) -> Iterator[tuple[int, int]]:
        """Give start and end of each detail, in order, apart from one another.

        Args:
            text: where to look.
            small: the same text with its capitals made small.
        """
        if not any(needed in small for needed in self.needs):
            return
        for found in self.pattern.finditer(text):
            group = found.lastindex or 0
            start, end = found.span(group)
            length = self.length(text[start:end])
            if length:
                yield start, start + length


def _phone(text: str) -> int:
    """Return the length of a phone number: 8 to 15 digits that are no date, no time span and no decimal fraction."""
    text = text.rstrip(" ./-(")
    digits = sum(map(str.isdecimal, text))
    return len(text) if 8 <= digits <= 15 and _DATE_ONLY.fullmatch(text) is None else 0


def _named_phone(text: str) -> int:
    """Return the length of what is called a phone number, or begins like one (+): 6 digits are enough."""
    text = text.rstrip(" ./-(")
    return len(text) if 6 <= sum(map(str.isdecimal, text)) <= 15 and _DATE_ONLY.fullmatch(text) is None else 0


def _address(text: str) -> int:
    """Return the length of a machine's address; those that mean this machine or none are nobody's."""
    bare = text.strip("[]").split("%")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return 0
    return 0 if address.is_loopback or address.is_unspecified else len(text)


def _token(text: str) -> int:
    """Return the length of what is random enough for a key: capitals, small letters and digits, well mixed."""
    mixed = (any(map(str.isupper, text)), any(map(str.islower, text)), any(map(str.isdecimal, text)))
    changes = sum(a.isdecimal() != b.isdecimal() for a, b in pairwise(text))
    return len(text) if all(mixed) and changes >= 4 else 0


def _secret(text: str) -> int:
    """Return the length of a secret after the word for one: some digit or sign in it, so that prose is left alone."""
    text = text.rstrip(".,;:!?)\"'")
    return len(text) if len(text) >= 6 and any(not character.isalpha() for character in text) else 0


_D = r"[0-9]"
_MONTH = (
    r"(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|Oct(?:ober)?"
    r"|Nov(?:ember)?|Dec(?:ember)?|Januar|Februar|März|Mai|Juni|Juli|Oktober|Dezember)"
)
_DATE = (
    rf"(?:{_D}{{4}}[-/.]{_D}{{1,2}}[-/.]{_D}{{1,2}}"
    rf"|{_D}{{1,2}}[-/. ]{{1,2}}{_D}{{1,2}}[-/. ]{{1,2}}(?:{_D}{{4}}|{_D}{{2}})"
    rf"|{_D}{{1,2}}(?:st|nd|rd|th|\.)?\s(?:of\s)?{_MONTH}\.?,?\s{_D}{{4}}"
    rf"|{_MONTH}\.?\s{_D}{{1,2}}(?:st|nd|rd|th)?,?\s{_D}{{4}})"
)
_DATE_ONLY = re.compile(
    rf"{_D}{{1,2}}[-/. ]{_D}{{1,2}}[-/. ]{_D}{{2,4}}(?:[-/ ]+{_D}{{1,2}}\.?)?"
    rf"|{_D}{{4}}[-/. ]{_D}{{1,2}}[-/. ]{_D}{{1,2}}|{_D}{{4}}-{_D}{{4}}"
)
_BORN = r"(?:born|birth\s?(?:day|date)?|date\sof\sbirth|D\.?O\.?B\.?|geboren|geb\.|Geburtsdatum|née?)"
_STREET = (
    r"(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Court|Ct|Place|Pl|Square|Sq|Terrace|Close"
    r"|Crescent|Row|Highway|Hwy|Parkway|Pkwy|Circle|Cir|Alley|Grove|Gardens|Mews|Quay|Hill)"
)
_WORD = r"(?:[A-ZÄÖÜÉÈ][\w'’-]{0,29}|[0-9]{1,3}(?:st|nd|rd|th))"
_FLAT = r"(?:,?\s(?:Apartment|Apt|Unit|Flat|Suite|Ste|Floor|No|#)\.?\s?#?\w{1,6})?"
_UK_POST = r"[A-Z]{1,2}[0-9][A-Z0-9]?\s[0-9][A-Z]{2}"
_TOWN = rf"(?:,\s{_WORD}(?:\s{_WORD}){{0,2}})?(?:,?\s(?:[A-Z]{{2}}\s)?[0-9]{{5}}(?:-[0-9]{{4}})?|,?\s{_UK_POST})?"
_GERMAN_TOWN = rf"(?:,\s(?:[A-Z]{{1,2}}-)?[0-9]{{4,5}}\s{_WORD})?"

_KEY_SHAPES = (
    r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----.{1,8000}?-----END [A-Z ]{0,20}PRIVATE KEY-----"
    r"|\b(?:sk|pk|rk)[-_](?:[a-z]{2,8}[-_])?[A-Za-z0-9_-]{16,200}"  # OpenAI, Anthropic, Stripe
    r"|\bgh[pousr]_[A-Za-z0-9]{30,255}|\bgithub_pat_[A-Za-z0-9_]{30,255}|\bglpat-[A-Za-z0-9_-]{20,40}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{35}|\bya29\.[A-Za-z0-9_-]{20,300}"
    r"|\bxox[abeprs]-[A-Za-z0-9-]{10,200}|\bhf_[A-Za-z0-9]{30,60}|\bnpm_[A-Za-z0-9]{30,60}|\bpypi-[A-Za-z0-9_-]{50,300}"
    r"|\beyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,1000}"  # JSON web tokens
)

_KEY_SIGNS = (
    *("private key", "sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    *("glpat-", "akia", "asia", "aiza", "ya29.", "xox", "hf_", "npm_", "pypi-", "eyj"),
)

RULES: tuple[Rule, ...] = (
    Rule("KEY", re.compile(_KEY_SHAPES, re.DOTALL), needs=_KEY_SIGNS),
    Rule(
        "KEY",
        re.compile(
            r"\b(?:api[\s_-]?key|access[\s_-]?key|(?:access|auth|bearer|refresh|secret)[\s_-]?token|token|secret(?:[\s_-]?key)?"
            r"|pass(?:word|wd|phrase|code)|pwd|authorization:\s?bearer|bearer)\b[\"']?\s{0,3}(?:is|was|[:=]{1,2}|\s)"
            r"\s{0,3}[\"'`]?([^\s\"'`,;]{6,300})",
            re.IGNORECASE,
        ),
        _secret,
        needs=("key", "token", "secret", "pass", "pwd", "bearer"),
    ),
    Rule("EMAIL", re.compile(r"(?<![\w.+-])[\w.+%'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}(?<![.-])"), needs="@"),
    Rule(
        "EMAIL",
        re.compile(
            r"\b[\w.+-]{1,64}\s?[\[(]\s?at\s?[\])]\s?[\w-]{1,63}(?:\s?(?:\.|[\[(]\s?dot\s?[\])])\s?[\w-]{1,63}){1,4}",
            re.IGNORECASE,
        ),
        needs=("[at", "(at", "[ at", "( at"),
    ),
    Rule("IBAN", re.compile(r"\b[A-Za-z]{2}[0-9]{2}(?:[ -]?[A-Za-z0-9]){11,40}"), account_length),
    Rule("CARD", re.compile(r"(?<![\w.+-])[0-9](?:[ -]?[0-9]){12,18}(?![\w-]|\.[0-9])"), is_card),
    Rule("ID", re.compile(r"(?<![\w-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?![\w-])")),  # US, social
    Rule(
        "IP",
        re.compile(
            r"(?<![\w.])(?<!\bv)(?<!version )(?<!section )(?<!chapter )(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w]|\.[0-9])"
        ),
        _address,
    ),
    Rule(
        "IP",
        re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]{0,40}[0-9])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])"),
        _address,
        needs=":",
    ),
    Rule(
        "BIRTH",
        re.compile(rf"\b{_BORN}\b[^\n.!?0-9]{{0,25}}?\s?({_DATE})", re.IGNORECASE),
        needs=("born", "birth", "dob", "d.o", "do.b", "geb", "né"),
    ),
    Rule(
        "BIRTH",
        re.compile(rf"({_DATE})\s?(?:is|was)\s(?:my|his|her|their|the)\s(?:birth|date\sof\sbirth)", re.IGNORECASE),
        needs=("birth",),
    ),
    Rule(
        "ADDRESS",
        re.compile(
            rf"\b[0-9]{{1,5}}[A-Za-z]?(?:-[0-9]{{1,4}})?\s(?:[NSEW]\.?\s)?(?:{_WORD}\s){{1,3}}{_STREET}\b\.?{_FLAT}{_TOWN}"
        ),
    ),
    Rule(
        "ADDRESS",
        re.compile(
            rf"\b(?:{_WORD}[\s-]){{0,3}}[A-ZÄÖÜ]?[\w-]{{0,30}}(?:stra(?:ß|ss)e|str\.|[a-zäöü]weg|platz|allee|gasse|[Ss]tra(?:ß|ss)e)"
            rf"\s[0-9]{{1,4}}\s?[a-z]?\b{_GERMAN_TOWN}"
        ),
        needs=("stra", "str.", "weg", "platz", "allee", "gasse"),
    ),
    Rule(
        "ADDRESS",
        re.compile(
            r"\b[0-9]{1,4}(?:\s?bis|\s?ter)?,?\s(?:rue|avenue|boulevard|place|chemin|quai|allée|impasse)\s"
            rf"(?:(?:de|du|des|la|le|les|l'|d')\s?){{0,3}}{_WORD}(?:[\s-]{_WORD}){{0,3}}(?:,?\s[0-9]{{5}}\s{_WORD})?"
        ),
        needs=("rue", "avenue", "boulevard", "place", "chemin", "quai", "allée", "impasse"),
    ),
    Rule(
        "ADDRESS",
        re.compile(r"\bP\.?\s?O\.?\sBox\s[0-9]{1,6}\b|\bPostfach\s[0-9 ]{2,9}\b", re.IGNORECASE),
        needs=("box", "postfach"),
    ),
    Rule("ADDRESS", re.compile(rf"\b{_UK_POST}\b")),
    Rule(
        "PHONE", re.compile(r"(?<![\w+])\+\s?[0-9]{1,3}(?:[\s./-]{0,2}\(?[0-9]{1,8}\)?){1,7}"), _named_phone, needs="+"
    ),
    Rule(
        "PHONE",
        re.compile(r"(?<![\w.,-])(?<![0-9] )00[1-9][0-9]{0,2}(?:[\s./-]{1,2}\(?[0-9]{1,8}\)?){2,7}(?![\w])"),
        _phone,
    ),
    Rule(
        "PHONE",
        re.compile(r"(?<![\w.-])(?:1[ .-])?(?:\([0-9]{3}\)\s?|[0-9]{3}[ .-])[0-9]{3}[.-][0-9]{4}(?![\w-])"),
        _phone,
    ),
    Rule(
        "PHONE", re.compile(r"(?<![\w.-])(?:1[ .-])?\([0-9]{3}\)\s?[0-9]{3}[ .-]?[0-9]{4}(?![\w-])"), _phone, needs="("
    ),
    Rule(
        "PHONE",
        re.compile(
            r"(?<![\w.,:/-])(?<![0-9] )\(?0[1-9][0-9]{0,5}\)?(?:[\s./-]{0,3}[0-9]{1,8}){1,6}(?![\w%€$]|[.,:][0-9])"
        ),
        _phone,
    ),
    Rule(
        "PHONE",
        re.compile(
            r"\b(?:phone|tel(?:ephone|efon)?|call|mobile|cell|fax|whats\s?app|ring|dial|text|reach|handy"
            r"|(?:my|his|her|their|our|your)\snumber|nummer)\b"
            r"[^\n0-9+.]{0,25}?((?:\([0-9]{1,5}\)|[0-9])(?:[\s./-]{0,2}\(?[0-9]{1,6}\)?){1,7})(?![\w%€$])",
            re.IGNORECASE,
        ),
        _named_phone,
        needs=(
            *("phone", "tel", "call", "mobile", "cell", "fax", "whats", "ring", "dial", "text", "reach", "handy"),
            *("number", "nummer"),
        ),
    ),
    Rule("KEY", re.compile(r"(?<![\w/+.-])[A-Za-z0-9_+/-]{24,300}={0,2}(?![\w/])"), _token),
)
"""In order of who wins where two see the same characters."""
