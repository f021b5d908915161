"""Parts go out by any dialect and come back as they were, or it is said what was lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waggledance.core import BlobRef, Channel, Meta, Part, Say, UsageError, local_peer_id, swarm_id, well_formed
from waggledance.gateways._dialect import Neutral, Piece
from waggledance.gateways._dialects import DIALECTS
from waggledance.gateways._parts import as_neutral, as_part, as_piece
from waggledance.mesh._blobs import blob_of

STORE: dict[bytes, bytes] = {}


def keep(content: bytes) -> BlobRef:
    STORE[blob_of(content)] = content
    return BlobRef(blob_of(content), len(content))


def fetch(part: Part) -> bytes | None:
    return STORE.get(part.blob.hash) if part.blob is not None else part.inline


words = st.text(min_size=1, max_size=30).map(well_formed).filter(str.strip)
metas = st.none() | st.builds(Meta, language=st.sampled_from(["", "en"]), milliseconds=st.integers(0, 60_000))


@st.composite
def parts(draw: st.DrawFn) -> Part:
    kind = draw(st.sampled_from(["text", "inline", "blob"]))
    meta = draw(metas)
    if kind == "text":
        return Part(type=draw(st.sampled_from(["text/plain", "text/markdown"])), text=draw(words), meta=meta)
    type = draw(st.sampled_from(["audio/wav", "image/png", "application/pdf", "audio/mpeg"]))
    if kind == "inline":
        return Part(type=type, inline=draw(st.binary(min_size=1, max_size=60)), alt=draw(words), meta=meta)
    ref = keep(draw(st.binary(max_size=40)) + bytes(40_000))
    return Part(type=type, blob=BlobRef(ref.hash, ref.size_bytes, "file.bin"), alt=draw(words), meta=meta)


@settings(max_examples=40)
@given(part=parts(), dialect=st.sampled_from(sorted(DIALECTS)))
def test_a_part_survives_the_way_there_and_back_or_the_loss_is_told(part: Part, dialect: str) -> None:
    raw, lost = DIALECTS[dialect].write(Neutral(role="user", pieces=(as_piece(part, fetch(part)),)))
    back = [as_part(piece, keep) for piece in DIALECTS[dialect].read(raw).pieces]
    assert lost or back == [part]
    if dialect.startswith("a2a"):
        assert back == [part]


def test_a_chat_with_a_picture_and_a_sound_is_what_openais_clients_send() -> None:
    channel = Channel(swarm_id("bees"), "talk")
    said = channel.publish(
        local_peer_id("ada"),
        Say(
            text="What is this?",
            parts=(
                Part(type="image/png", inline=b"PNG", alt="a barn"),
                Part(type="audio/wav", blob=keep(b"RIFF" + bytes(9)), alt="moo"),
                Part(type="audio/wav", blob=BlobRef(bytes(32), 9), alt="a missing moo"),
            ),
        ),
        [],
        0,
    )
    raw, lost = DIALECTS["openai-chat/1"].write(as_neutral(said, "user", fetch))
    content = json.loads(raw)["content"]
    assert content[0] == {"type": "text", "text": "What is this?"}
    assert content[1] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,UE5H"}}
    assert content[2]["input_audio"]["format"] == "wav"
    assert content[3] == {"type": "text", "text": "[audio/wav] a missing moo"}
    assert {loss.field for loss in lost} >= {"pieces[1].meta", "pieces[2].meta"}


@pytest.mark.parametrize(
    ("piece", "words"),
    [
        (
            Piece(url="https://example.org/x.png", type="image/png"),
            "[unnamed: image/png, at https://example.org/x.png]",
        ),
        (Piece(data='{"a":1}'), '{"a":1}'),
        (Piece(content=b"x", type="image/*"), "application/octet-stream, sent without a description"),
        (Piece(content=b"x", type="image/png", name="barn.png"), "barn.png, sent without a description"),
        (Piece(content=b"x", type="image/png", meta='{"waggle": 5}'), "image/png, sent without a description"),
    ],
)
def test_what_comes_without_words_gets_some(piece: Piece, words: str) -> None:
    assert as_part(piece, keep).words == words


def test_what_cannot_be_a_part_is_refused() -> None:
    with pytest.raises(UsageError):
        as_part(Piece(content=b"x", type="nonsense"), keep)
    with pytest.raises(UsageError):
        as_part(Piece(content=b"x", type="image/png", name="../../x"), keep)
    said = Channel(swarm_id("bees"), "t").publish(local_peer_id("ada"), Say(text="a"), [], 0)
    with pytest.raises(UsageError, match="user or assistant"):
        as_neutral(said, "system", fetch)
