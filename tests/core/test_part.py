"""Parts: every one has words, and what a sender may claim is bounded before anybody decodes a byte."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waggledance.core import BlobRef, Meta, Part, Transcript, UsageError
from waggledance.core._message import decode_body
from waggledance.core._part import MAX_BLOB_BYTES, MAX_INLINE_BYTES, MAX_SPOKEN_MS
from waggledance.core._say import Say

HASH = bytes(range(32))


@pytest.mark.parametrize(
    ("given_", "why"),
    [
        ({"type": "Audio/WAV", "inline": b"x", "alt": "a"}, "media type"),
        ({"type": "audio", "inline": b"x", "alt": "a"}, "media type"),
        ({"type": "audio/wav", "alt": "a"}, "exactly one"),
        ({"type": "audio/wav", "inline": b"x", "blob": BlobRef(HASH, 1), "alt": "a"}, "exactly one"),
        ({"type": "audio/wav", "text": "x", "alt": "a"}, "stand in alt"),
        ({"type": "audio/wav", "inline": b"x"}, "needs an alt"),
        ({"type": "audio/wav", "inline": b"x", "alt": " \n"}, "needs an alt"),
        ({"type": "audio/wav", "inline": b"x", "alt": "a" * 2_001}, "at most"),
        ({"type": "audio/wav", "inline": b"x", "alt": "cafe\u0301"}, "NFC"),
        ({"type": "audio/wav", "inline": b"x", "alt": "\ud800"}, "NFC"),
        ({"type": "image/png", "inline": bytes(MAX_INLINE_BYTES + 1), "alt": "a"}, "as a blob"),
        ({"type": "audio/wav", "inline": b"x", "alt": "a", "meta": Meta(milliseconds=MAX_SPOKEN_MS + 1)}, "60 s"),
    ],
)
def test_a_part_that_breaks_a_rule_is_not_born(given_: dict[str, Any], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        Part(**given_)


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\b", "a\nb", ".", "..", "n" * 121])
def test_a_blobs_name_is_no_path(name: str) -> None:
    with pytest.raises(UsageError, match="without folders"):
        BlobRef(HASH, 1, name)


@pytest.mark.parametrize("size_bytes", [-1, MAX_BLOB_BYTES + 1])
def test_a_blob_has_a_size_that_somebody_would_fetch(size_bytes: int) -> None:
    with pytest.raises(UsageError, match="has 0 to"):
        BlobRef(HASH, size_bytes)


@pytest.mark.parametrize("meta", [{"milliseconds": -1}, {"width": -1}, {"style": "s" * 81}])
def test_claims_about_content_are_bounded(meta: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Meta(**meta)


@given(alt=st.text(min_size=1, max_size=50), size=st.integers(0, MAX_BLOB_BYTES))
def test_what_is_said_comes_back_from_its_bytes(alt: str, size: int) -> None:
    from waggledance.core import well_formed
    from waggledance.core._message import _encode_body

    alt = well_formed(alt)
    if not alt.strip():
        return
    part = Part(type="audio/ogg", blob=BlobRef(HASH, size, "turn.ogg"), alt=alt, meta=Meta(milliseconds=900))
    body = Say(text="Listen.", parts=(part,))
    assert decode_body("say/1", _encode_body(body)) == body
    assert body.words == f"Listen.\n[audio/ogg] {alt}"


def test_bytes_that_break_a_rule_are_refused_at_the_door() -> None:
    import msgspec

    from waggledance.core import PeerFault

    raw = msgspec.msgpack.encode({"parts": [{"inline": b"x", "type": "audio/wav"}]})
    with pytest.raises(PeerFault, match="needs an alt"):
        decode_body("say/1", raw)


def test_a_transcript_is_well_formed() -> None:
    with pytest.raises(UsageError, match="NFC"):
        Transcript(of=HASH, text="\ud800")
