"""Private details that nobody has, with sentences around them: for whatever must find them, and for what must not."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits, hexdigits
from typing import NamedTuple

from waggledance.core import UsageError


class Detail(NamedTuple):
    """One detail in its sentence."""

    kind: str
    text: str
    """The detail itself, as it stands in the sentence."""
    sentence: str


def private_details(n: int, seed: int = 0) -> list[Detail]:
    """Return `n` made-up details, of eight kinds in turn, each in a sentence, written the many ways that people do.

    Numbers carry valid checks; none was given to anybody on purpose. The same seed gives the same details.

    Raises:
        UsageError: fewer than one.
    """
    if n < 1:
        raise UsageError(f"private_details() makes at least one, got {n}")
    rng = Random(f"private-details/{seed}")
    kinds = list(_MAKERS)
    found: list[Detail] = []
    for i in range(n):
        kind = kinds[i % len(kinds)]
        detail, sentence = _MAKERS[kind](rng)
        found.append(Detail(kind, detail, sentence.replace("{}", detail)))
    return found


HARMLESS = (
    "The match ended 3-2 after 120 minutes, 45,312 people watched.",
    "Version 1.12.4 replaces 1.12.3; run pip install waggledance==0.1.0.",
    "Order 4829104 has 12 items for 1,299.00 EUR in total.",
    "We met on 12 March 2024 and again on 2024-05-17 at 14:30.",
    "Mercury is 57,909,050 km from the Sun, pi is 3.14159265358979.",
    "There were 1234567890123456 grains of sand, more or less.",
    "std::vector<int> a(10); the ratio is 16:9 and the score 12:07.",
    "Chapter 10 begins on page 412, section 3.2.1.4 of the appendix.",
    "The commit 5e6ba1c fixes issue 1042 and pull request 980.",
    "He ran 100 m in 9.58 s and 200 m in 19.19 s.",
    "ISBN 978-3-16-148410-0 is an example that books print.",
    "Flight LH 1234 leaves gate B52 at 06:45.",
    "In 1998 the town had 82 300 000 visitors, said the 2020 report.",
    "Set max_tokens=256 and temperature=0.7, then call again 3 times.",
    "The password must have 12 characters, and a token is about 4 of them.",
    "Room 101 on the 3rd floor, from 10 to 12 o'clock, 5 Best Ways to win.",
    "Add 250 g flour, 125 ml milk and 2 eggs; bake 35 minutes at 180 degrees.",
    "The swarm ran at http://127.0.0.1:8000/v1 with 0.0.0.0 as its host.",
    "UTC+01:00 is one hour ahead; 2024-2025 was the season.",
    "Between 1914-1918 some 9 to 11 million soldiers died.",
    "A 10-20-30 rule: 10 slides, 20 minutes, 30 point font.",
    "The list is [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].",
    "x = 12345 * 67890 = 838102050, and 2**40 = 1099511627776.",
    "My birthday party is at 7 and 40 guests come.",
    "The born rule of 1926 gives probabilities; see chapter 4 of 12.",
)
"""Sentences full of numbers that say nothing about anybody."""

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November")


def _digits(rng: Random, n: int) -> str:
    return "".join(rng.choices(digits, k=n))


def _name(rng: Random) -> str:
    return rng.choice(["ada", "lena", "m.okafor", "jean-luc", "zoë", "t_haas", "Priya.N", "bo", "o'neil", "r2d2"])


def _email(rng: Random) -> tuple[str, str]:
    host = rng.choice(["example.org", "mail.example.co.uk", "bücher.example", "ex-ample.io", "sub.dep.example.museum"])
    tag = rng.choice(["", "+news", "", f"{rng.randrange(99)}"])
    return f"{_name(rng)}{tag}@{host}", rng.choice(
        ["Write to {} please.", "mailto:{}", "<{}> said so", "cc {}, and me", "Is it {}?", "({})", "contact={};"]
    )


def _phone(rng: Random) -> tuple[str, str]:
    a, b, c = _digits(rng, 3), _digits(rng, 3), _digits(rng, 4)
    area = rng.choice(["20", "30", "89", "171", "212"])
    first = rng.choice("23456789")
    text = rng.choice(
        [
            f"+44 {area} {first}{a} {c}",
            f"+49-{area}-{first}{a}{b}",
            f"+1 ({first}{a[:2]}) {first}{b[:2]}-{c}",
            f"({first}{a[:2]}) {first}{b[:2]}-{c}",
            f"{first}{a[:2]}-{first}{b[:2]}-{c}",
            f"{first}{a[:2]}.{first}{b[:2]}.{c}",
            f"0{area} {first}{a}{b}",
            f"0{area}/{first}{a} {c}",
            f"06 {a[:2]} {b[:2]} {c[:2]} {c[2:]}",
            f"0049 {area} {first}{a}{b}",
            f"+33{first}{a}{b}{c[:2]}",
            f"+49 (0) {area} {first}{a}-{c}",
            f"+91 9{a}{first} {b}{c[:2]}",
        ]
    )
    return text, rng.choice(["Call {} today.", "My number is {}, ok?", "tel: {}", "{} is Mum's.", "Reach us at {}!"])


def _card(rng: Random) -> tuple[str, str]:
    first, length = rng.choice([("4", 16), ("51", 16), ("2223", 16), ("37", 15), ("6011", 16), ("36", 14)])
    body = first + _digits(rng, length - 1 - len(first))
    check = next(d for d in digits if _luhn(body + d))
    number = body + check
    groups = [number[i : i + 4] for i in range(0, length, 4)]
    text = rng.choice([number, " ".join(groups), "-".join(groups)])
    return text, rng.choice(["Pay with {}.", "card {}, exp 09/27", "My Visa is {}", "{} was charged twice"])


def _luhn(number: str) -> bool:
    total = 0
    for i, digit in enumerate(reversed(number)):
        n = int(digit) * (2 if i % 2 else 1)
        total += n - 9 if n > 9 else n
    return total % 10 == 0


def _iban(rng: Random) -> tuple[str, str]:
    country, length, letters = rng.choice([("DE", 22, 0), ("GB", 22, 4), ("FR", 27, 0), ("NL", 18, 4), ("MT", 31, 4)])
    account = "".join(rng.choices(ascii_uppercase, k=letters)) + _digits(rng, length - 4 - letters)
    value = "".join(str(int(character, 36)) for character in f"{account}{country}00")
    number = f"{country}{98 - int(value) % 97:02d}{account}"
    spaced = " ".join(number[i : i + 4] for i in range(0, length, 4))
    text = rng.choice([number, spaced, number.lower(), "-".join(spaced.split())])
    return text, rng.choice(["IBAN: {}.", "Transfer it to {} please", "from {} AND then", "My account is {}, thanks"])


def _address(rng: Random) -> tuple[str, str]:
    street = rng.choice(["Maple", "Old Kent", "Martin Luther King", "St Giles", "Whistling Duck"])
    way = rng.choice(["Street", "St.", "Avenue", "Rd", "Lane", "Drive", "Court"])
    n = rng.randrange(1, 2_000)
    text = rng.choice(
        [
            f"{n} {street} {way}",
            f"{n} {street} {way}, Apt {n % 30 + 1}",
            f"{n} {street} {way}, Springfield, IL {_digits(rng, 5)}",
            f"Gartenstraße {n % 200 + 1}",
            f"Lindenallee {n % 90 + 1}b, 10{_digits(rng, 3)} Berlin",
            f"{n % 300 + 1} rue de la Paix, 75{_digits(rng, 3)} Paris",
            f"P.O. Box {n}",
            f"Kirchweg {n % 90 + 1}",
        ]
    )
    return text, rng.choice(["I live at {}.", "Send it to {}, thanks", "Ship to: {}", "The house is {} if I recall."])


def _born(rng: Random) -> tuple[str, str]:
    day, month, year = rng.randrange(1, 29), rng.randrange(11), rng.randrange(1930, 2012)
    name = _MONTHS[month]
    text = rng.choice(
        [
            f"{day:02d}.{month + 1:02d}.{year}",
            f"{year}-{month + 1:02d}-{day:02d}",
            f"{month + 1}/{day}/{year}",
            f"{day} {name} {year}",
            f"{name} {day}, {year}",
            f"{day}th of {name} {year}",
            f"{name[:3]} {day} {year}",
        ]
    )
    return text, rng.choice(
        ["She was born on {}.", "DOB: {}", "date of birth {}", "My birthday is {}!", "born {} in Rome"]
    )


def _key(rng: Random) -> tuple[str, str]:
    def some(letters: str, n: int) -> str:
        return "".join(rng.choices(letters, k=n))

    plain, base64 = ascii_letters + digits, ascii_letters + digits + "-_"
    text, sentence = rng.choice(
        [
            (f"sk-{some(plain, 48)}", "Use {} for it."),
            (f"sk-proj-{some(base64, 60)}x", "OPENAI_API_KEY={}"),
            (f"ghp_{some(plain, 36)}", "git clone https://{}@example.org/r.git"),
            (f"AKIA{some(ascii_uppercase + digits, 16)}", "aws id {} leaked"),
            (f"AIza{some(base64, 34)}Q", "key={}"),
            (f"xoxb-{some(digits, 12)}-{some(plain, 24)}", "slack: {}"),
            (f"eyJ{some(base64, 30)}.{some(base64, 60)}.{some(base64, 42)}A", "Authorization: Bearer {}"),
            (f"{some(ascii_lowercase, 6)}{some(digits, 3)}!X", "The password is {}"),
            (f"{some(hexdigits[:16], 40)}", "token: {}"),
            (f"hf_{some(plain, 34)}", 'login("{}")'),
            (f"glpat-{some(plain, 20)}", "with {} you may push"),
            (f"aB3x9{some(plain, 35)}7Zq2", "It starts when you give {} to it"),
        ]
    )
    return text, sentence


def _ip(rng: Random) -> tuple[str, str]:
    four = ".".join(str(rng.randrange(1, 255)) for _ in range(4))
    groups = [f"{rng.randrange(1, 65_536):x}" for _ in range(5)]
    six = rng.choice(
        [f"2001:db8::{groups[0]}:{groups[1]}", ":".join(["2a02", *groups, "1", "2"]), f"fe80::{groups[2]}"]
    )
    return rng.choice([four, f"10.{four.split('.', 1)[1]}", six]), rng.choice(
        ["ssh root@{}", "The server {} is down.", "from {}, port 22", "http://{}/admin", "ping {}"]
    )


_MAKERS: dict[str, Callable[[Random], tuple[str, str]]] = {
    "EMAIL": _email,
    "PHONE": _phone,
    "CARD": _card,
    "IBAN": _iban,
    "ADDRESS": _address,
    "BIRTH": _born,
    "KEY": _key,
    "IP": _ip,
}
