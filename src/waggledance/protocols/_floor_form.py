"""The form of a turn: a few lines that begin with a word and a colon, read strictly, and how a talk is told to a peer.

    Thought: …  (goes no further)     Say: …     Act: discuss | assign and wait | assign and go on | pause | conclude
    Next: NAME     Task for NAME: …  (one line a task)     Wait for: 1, 2  (the numbers of tasks)

What cannot be read so is a discussion in which the speaker did not say who is next. Reading again what was read before
gives the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from waggledance.consensus import Act, Assigned, FloorState, FloorTask, TaskRef
from waggledance.core import Message, Note, PeerId, well_formed

ABOUT = "speech"
MAX_TEXT_CHARS = 4_000
"""Of one turn or result: what is longer loses its end, so that a turn with its tasks fits into a message."""
SHOWN = 20
"""So many of the last turns and results are told."""

_LINE = re.compile(r"^\W*(thought|say|act|next|wait for|task for ([^:\n]+?))\W*:[*_\s]*(.*)$", re.IGNORECASE)
_ACTS: Mapping[str, Act] = {
    "discuss": "discuss",
    "assign and wait": "assign-and-wait",
    "assign and go on": "assign-and-go-on",
    "pause": "pause",
    "conclude": "conclude",
}
_NUMBERS = re.compile(r"\d{1,4}(?:\s*(?:,|and|\s)\s*\d{1,4})*\.?")


@dataclass(frozen=True)
class Form:
    """A turn as it was said."""

    text: str
    """Without thoughts."""
    act: Act = "discuss"
    next: tuple[PeerId, ...] | None = None
    """Who was named; None when the speaker did not say, nobody when only strangers were."""
    tasks: tuple[Assigned, ...] = ()
    triggers: tuple[TaskRef, ...] = ()


def read_form(said: str, names: Mapping[PeerId, str], tasks: Sequence[FloorTask]) -> Form:
    """Read a turn.

    Args:
        said: what the peer said, in any shape.
        names: the team's; a name that two bear names nobody.
        tasks: those given so far; the speaker knows them by their numbers, from 1.
    """
    text = well_formed("\n".join(line for _, _, line, _ in _lines(said)).strip())[:MAX_TEXT_CHARS].strip()
    lines = _lines(text)
    by_key: dict[str, list[str]] = {}
    for key, _, _, rest in lines:
        by_key.setdefault(key, []).append(rest)
    acts = by_key.get("act", [])
    act: Act | None = _ACTS.get(_plain(acts[0])) if len(acts) == 1 else None
    if act is None or len(by_key.get("next", [])) > 1:
        return Form(text)
    known = _by_name(names)
    given = {who: rest for key, name, _, rest in lines if key == "task" and rest and (who := known.get(_plain(name)))}
    next = tuple(known[name] for raw in by_key["next"] if (name := _plain(raw)) in known) if "next" in by_key else None
    form = Form(
        text,
        act,
        next,
        tuple(Assigned(who, what) for who, what in given.items()),
        _triggers(by_key.get("wait for", []), tasks),
    )
    fits = bool(form.tasks) == form.act.startswith("assign") and bool(form.triggers) == (form.act == "pause")
    return form if fits else Form(text)


def told(state: FloorState, names: Mapping[PeerId, str]) -> list[Message[Note]]:
    """Return the last of what was said and found, each with who said it, as notes: what a peer goes by."""
    numbers = {task.ref: number for number, task in enumerate(state.tasks, 1)}
    said: list[Message[Note]] = []
    for turn in state.turns:
        said.append(_as_note(turn, f"{_name(names, turn.author)}: {turn.body.text or turn.body.lapse}"))
        for task in state.tasks:
            if task.ref.turn == turn.id and task.result is not None:
                found = task.result.body.text or task.result.body.lapse
                who = _name(names, task.ref.who)
                said.append(_as_note(task.result, f"{who}, task {numbers[task.ref]} {task.progress}: {found}"))
    return said[-SHOWN:]


def standing(state: FloorState, me: PeerId, names: Mapping[PeerId, str], turns_left: int) -> str:
    """Return what a speaker is told of where the conversation stands; no words of anybody's but names."""
    tasks = ", ".join(f"{n} ({_name(names, t.ref.who)}, {t.progress})" for n, t in enumerate(state.tasks, 1))
    absent = ", ".join(_name(names, peer) for peer in names if peer in state.absent)
    parts = (
        f"You are {_name(names, me)}. The team: {', '.join(_name(names, peer) for peer in names)}.",
        f"Tasks: {tasks}." if tasks else "",
        f"Silent: {absent}." if absent else "",
        f"{turns_left} turns are left." if turns_left > 1 else "This is the last turn: conclude.",
    )
    return well_formed(" ".join(filter(None, parts)))


def _lines(said: str) -> list[tuple[str, str, str, str]]:
    """Return lines as (key, name, line, rest), without those of a thought; the key is empty where there is none."""
    lines: list[tuple[str, str, str, str]] = []
    thinking = False
    for line in said.splitlines():
        match = _LINE.match(line)
        thinking = match[1].lower() == "thought" if match else thinking
        if thinking:
            continue
        if match is None:
            lines.append(("", "", line.rstrip(), ""))
        else:
            key = "task" if match[2] else match[1].lower()
            lines.append((key, match[2] or "", line.rstrip(), match[3].strip()))
    return lines


def _triggers(said: Sequence[str], tasks: Sequence[FloorTask]) -> tuple[TaskRef, ...]:
    if len(said) != 1 or _NUMBERS.fullmatch(said[0]) is None:
        return ()
    numbers = dict.fromkeys(int(number) for number in re.findall(r"\d+", said[0]))
    return tuple(tasks[number - 1].ref for number in numbers if 1 <= number <= len(tasks))


def _by_name(names: Mapping[PeerId, str]) -> dict[str, PeerId]:
    plain = {peer: _plain(_name(names, peer)) for peer in names}
    several = {name for name in plain.values() if list(plain.values()).count(name) > 1}
    return {name: peer for peer, name in plain.items() if name and name not in several}


def _plain(text: str) -> str:
    return " ".join(text.split()).strip(" .*_`\"'").casefold()


def _name(names: Mapping[PeerId, str], peer: PeerId) -> str:
    return " ".join((names.get(peer) or peer.hex()[:8]).split())[:64]


def _as_note(message: Message[Note], text: str) -> Message[Note]:
    note = Note(round=message.body.round, about=message.body.about, text=text)
    return msgspec.structs.replace(message, body=note)
