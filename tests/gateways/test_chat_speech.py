"""Conversations in speech: who hears, hears; who does not, reads; and the order of it all is one."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from blake3 import blake3

from waggledance.core import BlobRef, Decision, Meta, Part, Say, Seat, count, encode
from waggledance.gateways._chat_room import Room
from waggledance.mesh import Blobs
from waggledance.mesh._media import checked_content, content_of, tracks, wav_milliseconds
from waggledance.testing import simulate

needs_speech = pytest.mark.skipif(
    shutil.which("espeak-ng") is None or shutil.which("sox") is None,
    reason="speech is made by espeak-ng and joined by sox: apt install espeak-ng sox",
)


def spoken(text: str, voice: str, folder: Path) -> bytes:
    file = folder / f"{blake3(text.encode()).hexdigest(length=6)}.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-w", str(file), "--", text], check=True, capture_output=True)
    return file.read_bytes()


@needs_speech
async def test_two_converse_in_speech_a_third_reads_and_the_whole_plays_in_order(tmp_path: Path) -> None:
    lines = [
        ("ada", "Where is the nest?"),
        ("bob", "In the old oak."),
        ("ada", "Then let us fly."),
        ("bob", "Follow me."),
    ]
    room, blobs = Room("lobby", []), Blobs(tmp_path / "blobs")
    people = {name: room.enter(name, "", lambda: None) for name in ("ada", "bob", "cyd")}
    for name, text in lines:
        sound = spoken(text, {"ada": "en+f3", "bob": "en"}[name], tmp_path)
        meta = Meta(language="en", milliseconds=wav_milliseconds(sound), voice="espeak-ng")
        blob = BlobRef(blobs.put(sound), len(sound), "turn.wav")
        room.say(people[name], "", [Part(type="audio/wav", blob=blob, alt=text, meta=meta)])
    said = [message for _, message in room.said()]
    assert [m.body.words for m in said] == [f"[audio/wav] {text}" for _, text in lines]  # all that cyd needs
    assert all(checked_content(part, content_of(part, blobs) or b"") for m in said for part in m.body.parts)

    found = tracks(said, {person.id: name for name, person in people.items()}, blobs)
    assert [(track.name, track.words) for track in found] == lines
    files: list[str] = []
    for i, track in enumerate(found):
        files.append(str(tmp_path / f"track{i}.wav"))
        Path(files[-1]).write_bytes(track.content or b"")
    whole = tmp_path / "whole.wav"
    subprocess.run(["sox", *files, str(whole)], check=True, capture_output=True)
    assert abs(wav_milliseconds(whole.read_bytes()) - sum(track.milliseconds for track in found)) <= 20


@dataclass(frozen=True)
class Talk:
    """Peers speak in turn, each after it has heard the turn before; what they decide is the transcript's hash."""

    turns: int

    async def __call__(self, seat: Seat) -> Decision:
        for turn in range(self.turns):
            if seat.roster[turn % len(seat.roster)] == seat.me:
                alt = f"This is turn {turn}, in which I say somewhat more than can be said in a breath. " * 4
                blob = BlobRef(blake3(alt.encode()).digest(), 40_000, "turn.ogg")
                meta = Meta(language="en", milliseconds=9_000, voice="scripted")
                part = Part(type="audio/ogg", blob=blob, alt=alt, meta=meta)
                await seat.publish(Say(round=turn, parts=(part,)))
            await seat.collect(Say, turn, until=count(1))
        said = [message for turn in range(self.turns) for message in seat.said(Say, turn)]
        ordered = sorted(said, key=lambda message: (message.lamport, message.id))
        heard = blake3("\n".join(message.body.words for message in ordered).encode()).hexdigest()
        return Decision(status="decided", key=heard, used=tuple(sorted(message.id for message in said)))


@pytest.mark.parametrize("seed", [1, 2])
def test_25_peers_hear_200_turns_alike_at_under_2_kib_a_turn_with_no_sound_to_be_had(seed: int) -> None:
    run = simulate(Talk(turns=200), "talk", peers=25, seed=seed, loss=0.05)
    said = [message for message in run.log if isinstance(message.body, Say)]
    assert len(said) == 200
    assert len({decision.key for decision in run.decisions.values()}) == 1
    assert len(run.decisions) == 25
    assert sum(len(encode(message)) for message in said) / 200 < 2_048
    assert [message.body.round for message in sorted(said, key=lambda m: m.lamport)] == list(range(200))
