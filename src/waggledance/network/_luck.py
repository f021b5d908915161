"""Luck: random numbers by name, so that one more fault moves nothing but what it touches.

A generator that all purposes share deals every later number to somebody else as soon as one more is drawn. Here each
purpose (this message on that link, this peer's repair number 12) hashes its own name into its own numbers.
"""

from __future__ import annotations

from struct import Struct, unpack

from blake3 import blake3

WHOLE = 1 << 64
"""Luck is an integer 0 ≤ luck < WHOLE, evenly spread."""

_NAME = Struct("<16s8s4q")


def luck(seed: int, purpose: bytes, a: int, b: int, c: int, d: int, *, n: int) -> tuple[int, ...]:
    """Return n numbers, each 0 ≤ luck < 2**64.

    Args:
        seed: 0 ≤ seed < 2**128.
        purpose: what they are for, at most 8 bytes.
        a: which one of its kind; with `b`, `c` and `d` the name of the draw.
        b: see `a`.
        c: see `a`.
        d: see `a`.
        n: how many.
    """
    name = _NAME.pack(seed.to_bytes(16), purpose, a, b, c, d)
    return unpack(f"<{n}Q", blake3(name).digest(8 * n))


def chance(rate: float) -> int:
    """Return the number that luck stays below with a chance of `rate`.

    >>> chance(0.0), chance(1.0) == WHOLE
    (0, True)
    """
    return round(rate * WHOLE)


def fraction(luck: int) -> float:
    """Return luck as a number 0 < u < 1, on a grid of 2**-53, exact on every machine.

    >>> fraction(0), fraction(WHOLE - 1) < 1
    (1.1102230246251565e-16, True)
    """
    return ((luck >> 12) + 0.5) * 2.0**-52
