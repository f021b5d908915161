"""Writes ``envelope_vectors.json``: run it after a change of the format, and review the difference.

    python tests/core/make_envelope_vectors.py

Valid vectors are made from their fields by hand, with a MessagePack writer of their own, so that the library is checked
against the specification and not against itself.
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from blake3 import blake3
from nacl.signing import SigningKey

FILE = Path(__file__).with_name("envelope_vectors.json")
SWARM = blake3(b"waggle/swarm/1\0bees").digest(16)


def pack(value: Any) -> bytes:
    """MessagePack in its shortest form; maps in the order they are given."""
    match value:
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int() if value < 0:
            forms = ((-32, ">b", b""), (-(2**7), ">b", b"\xd0"), (-(2**15), ">h", b"\xd1"), (-(2**31), ">i", b"\xd2"))
            for least, form, head in forms:
                if value >= least:
                    return head + struct.pack(form, value)
            return b"\xd3" + struct.pack(">q", value)
        case int():
            forms = (
                (127, ">B", b""),
                (2**8 - 1, ">B", b"\xcc"),
                (2**16 - 1, ">H", b"\xcd"),
                (2**32 - 1, ">I", b"\xce"),
            )
            for most, form, head in forms:
                if value <= most:
                    return head + struct.pack(form, value)
            return b"\xcf" + struct.pack(">Q", value)
        case bytes():
            return _head(len(value), ((2**8, b"\xc4", ">B"), (2**16, b"\xc5", ">H"), (2**32, b"\xc6", ">I"))) + value
        case str():
            text = value.encode()
            if len(text) < 32:
                return bytes([0xA0 | len(text)]) + text
            return _head(len(text), ((2**8, b"\xd9", ">B"), (2**16, b"\xda", ">H"), (2**32, b"\xdb", ">I"))) + text
        case list():
            start = bytes([0x90 | len(value)]) if len(value) < 16 else b"\xdc" + struct.pack(">H", len(value))
            return start + b"".join(pack(item) for item in value)
        case dict():
            start = bytes([0x80 | len(value)]) if len(value) < 16 else b"\xde" + struct.pack(">H", len(value))
            return start + b"".join(pack(key) + pack(item) for key, item in value.items())
        case _:
            raise TypeError(f"no MessagePack for {type(value).__name__}")


def _head(size: int, forms: tuple[tuple[int, bytes, str], ...]) -> bytes:
    head, form = next((head, form) for limit, head, form in forms if size < limit)
    return head + struct.pack(form, size)


def in_order(value: Any) -> Any:
    """Maps with sorted keys, all the way down."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value)}
    return [in_order(item) for item in value] if isinstance(value, list) else value


def shown(value: Any) -> Any:
    """Bytes as ``{"hex": …}``, so that JSON can hold them."""
    match value:
        case bytes():
            return {"hex": value.hex()}
        case dict():
            return {key: shown(item) for key, item in value.items()}
        case list():
            return [shown(item) for item in value]
        case _:
            return value


COST = {"calls": 0, "completion_tokens": 0, "micro_usd": 0, "milliseconds": 0, "prompt_tokens": 0}
PROPOSAL = {"confidence_ppm": None, "cost": COST, "key": "4", "lapse": "", "refs": [], "round": 0, "text": "2 + 2 = 4"}
IDS = sorted(blake3(bytes([n])).digest() for n in range(64))


def envelope(seed: bytes, kind: str, body: Any, **fields: Any) -> dict[str, Any]:
    author = bytes(SigningKey(seed).verify_key)
    return {
        "au": author, "bo": pack(in_order(body)), "ch": "q1", "ki": kind, "lc": 1, "net": SWARM, "pa": [], "pv": None,
        "sq": 1, "ts": 1_700_000_000_000, "v": 1,
    } | fields  # fmt: skip


def vector(name: str, seed: bytes, kind: str, body: Any, **fields: Any) -> dict[str, Any]:
    content = envelope(seed, kind, body, **fields)
    raw = pack(in_order(content))
    id = blake3(b"waggle/msg/1\0" + raw).digest()
    signature = SigningKey(seed).sign(id).signature
    return {
        "name": name, "fields": shown(content), "body": shown(body), "canonical": raw.hex(), "id": id.hex(),
        "seed": seed.hex(), "signature": signature.hex(), "frame": pack([raw, signature]).hex(),
    }  # fmt: skip


def refusal(name: str, reason: str, raw: bytes) -> dict[str, Any]:
    return {"name": name, "reason": reason, "frame": pack([raw, b""]).hex()}


def vectors() -> dict[str, Any]:
    ada, bea = bytes([1]) * 32, bytes([2]) * 32
    first = vector("a first proposal", ada, "proposal/1", PROPOSAL)
    opening = {
        "members": [{"id": IDS[0], "name": "ada", "weight": 1_000_000}],
        "question": {"expects": "number", "options": [], "text": "2 + 2?"},
        "protocol": "debate", "topology": "", "rule": "majority", "seed": 7, "round": 0,
    }  # fmt: skip
    judged = {
        "cost": COST, "lapse": "", "round": 1,
        "verdicts": [{"reason": "", "scores": [1_000_000, 0], "subjects": [IDS[1], IDS[2]]}],
    }  # fmt: skip
    outcome = {"decision": bytes(32), "key": None, "notes": [], "round": 0, "rule": "majority", "status": "undecided"}
    valid = [
        first,
        vector("a second message, after the first", ada, "proposal/1", PROPOSAL | {"round": 1}, sq=2, lc=2,
               pv=bytes.fromhex(first["id"])),
        vector("one that builds on another author's", bea, "proposal/1", PROPOSAL, lc=2,
               pa=[bytes.fromhex(first["id"])]),
        vector("the largest number of parents", bea, "proposal/1", PROPOSAL, pa=IDS, lc=9),
        vector("text beyond ASCII, in form NFC", ada, "proposal/1", PROPOSAL | {"text": "É più: Schwänzeltanz 🐝"}),
        vector("a channel of 128 characters", ada, "proposal/1", PROPOSAL, ch="ü" * 128),
        vector("large and negative numbers", ada, "proposal/1", PROPOSAL, pv=IDS[3], sq=2**63 - 1, lc=2**63 - 1,
               ts=-(2**63)),
        vector("a blob and an expiry", ada, "proposal/1", PROPOSAL, xp=5,
               bl=[{"h": IDS[4], "n": 70_000, "ty": "text/plain"}]),
        vector("an opening", ada, "opening/1", opening),
        vector("a judgement", bea, "judgement/1", judged),
        vector("a cut", ada, "cut/1", {"ids": IDS[:3], "round": 0}),
        vector("an outcome", ada, "outcome/1", outcome),
        vector("a kind that nobody knows", ada, "dance/9", {"angle": -40, "floats": [], "nested": {"a": [None, True]}}),
    ]  # fmt: skip
    plain = envelope(ada, "proposal/1", PROPOSAL)
    raw = pack(in_order(plain))
    unknown = envelope(ada, "dance/9", {})
    sq_at = raw.index(b"\xa2sq\x01") + 3
    refusals = [
        refusal("a key that stands twice", "not-canonical", bytes([raw[0] + 1]) + raw[1:] + b"\xa1v\x01"),
        refusal("keys that are not sorted", "not-canonical", pack(dict(reversed(in_order(plain).items())))),
        refusal("an integer in a longer form than it needs", "not-canonical",
                raw[:sq_at] + b"\xcc\x01" + raw[sq_at + 1 :]),
        refusal("a string in a longer form than it needs", "not-canonical", raw.replace(b"\xa2q1", b"\xd9\x02q1")),
        refusal("a list in a longer form than it needs", "not-canonical",
                raw.replace(b"\xa2pa\x90", b"\xa2pa\xdc\0\0")),
        refusal("a float32 in the body", "not-canonical",
                pack(in_order(unknown | {"bo": b"\x81\xa1x\xca\x3f\x00\x00\x00"}))),
        refusal("a number that is not finite in the body", "limits",
                pack(in_order(unknown | {"bo": b"\x81\xa1x\xcb\x7f\xf0" + bytes(6)}))),
        refusal("a minus zero in the body", "limits",
                pack(in_order(unknown | {"bo": b"\x81\xa1x\xcb\x80" + bytes(7)}))),
        refusal("body keys that are not sorted", "not-canonical",
                pack(in_order(plain | {"bo": pack(dict(reversed(PROPOSAL.items())))}))),
        refusal("body keys that are not sorted, of a kind that nobody knows", "not-canonical",
                pack(in_order(unknown | {"bo": b"\x82\xa1b\x01\xa1a\x01"}))),
        refusal("a body key that is no string", "limits", pack(in_order(unknown | {"bo": b"\x81\x01\x01"}))),
        refusal("a body nested 200 deep", "limits", pack(in_order(unknown | {"bo": b"\x91" * 200 + b"\xc0"}))),
        refusal("a body that lacks a field with a default", "not-canonical",
                pack(in_order(plain | {"bo": pack({"key": "4", "round": 0})}))),
        refusal("a body with a field too many", "not-canonical",
                pack(in_order(plain | {"bo": pack(in_order(PROPOSAL | {"zzz": 1}))}))),
        refusal("an unknown field", "malformed", pack(in_order(plain | {"zz": 1}))),
        refusal("a missing field", "malformed", pack(in_order({k: v for k, v in plain.items() if k != "ts"}))),
        refusal("a later version", "malformed", pack(in_order(plain | {"v": 2}))),
        refusal("an author of 31 bytes", "malformed", pack(in_order(plain | {"au": bytes(31)}))),
        refusal("a swarm of 15 bytes", "malformed", pack(in_order(plain | {"net": bytes(15)}))),
        refusal("a parent of 33 bytes", "malformed", pack(in_order(plain | {"pa": [bytes(33)]}))),
        refusal("65 parents", "malformed", pack(in_order(plain | {"pa": sorted([*IDS, bytes(32)])}))),
        refusal("a channel of 129 characters", "malformed", pack(in_order(plain | {"ch": "c" * 129}))),
        refusal("a channel without a name", "malformed", pack(in_order(plain | {"ch": ""}))),
        refusal("a channel that is not in form NFC", "limits", pack(in_order(plain | {"ch": "e\u0301"}))),
        refusal("a text that is not in form NFC", "malformed",
                pack(in_order(plain | {"bo": pack(in_order(PROPOSAL | {"text": "e\u0301"}))}))),
        refusal("an answer that is not in form NFC", "limits",
                pack(in_order(plain | {"bo": pack(in_order(PROPOSAL | {"key": "e\u0301"}))}))),
        refusal("parents that are not sorted", "limits", pack(in_order(plain | {"pa": [IDS[1], IDS[0]]}))),
        refusal("a parent that stands twice", "limits", pack(in_order(plain | {"pa": [IDS[1], IDS[1]]}))),
        refusal("the previous message among the parents", "limits",
                pack(in_order(plain | {"sq": 2, "pv": IDS[1], "pa": [IDS[1]]}))),
        refusal("a first message that has a previous one", "limits", pack(in_order(plain | {"pv": IDS[1]}))),
        refusal("a second message without a previous one", "limits", pack(in_order(plain | {"sq": 2}))),
        refusal("a number 0", "malformed", pack(in_order(plain | {"sq": 0}))),
        refusal("a number beyond 63 bits", "limits", pack(in_order(plain | {"lc": 2**63}))),
        refusal("bytes behind the envelope", "malformed", raw + b"\0"),
        refusal("no envelope", "malformed", b""),
        {"name": "a signature of 63 bytes", "reason": "limits", "frame": pack([raw, bytes(63)]).hex()},
        {"name": "a frame in a longer form than it needs", "reason": "not-canonical",
         "frame": (b"\xdc\0\x02" + pack(raw) + pack(b"")).hex()},
    ]  # fmt: skip
    return {
        "about": "Envelope of waggledance messages, version 1. id = blake3('waggle/msg/1' + NUL + canonical); "
        "signature = Ed25519(id) with the key made from seed; frame = MessagePack [canonical, signature]. "
        "{'hex': …} stands for bytes.",
        "valid": valid,
        "refused": refusals,
    }


if __name__ == "__main__":
    FILE.write_text(json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n")
