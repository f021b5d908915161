"""What a channel's messages mean to somebody who watches: who thinks, who said what, who changed its mind and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import msgspec
from blake3 import blake3

from waggledance.cli._counted import counted
from waggledance.cli._plan_story import PlanStory
from waggledance.cli._safe_text import first_sentence, one_line
from waggledance.cli._talk_story import talk_line
from waggledance.consensus import Ack, Claim, FloorReport, FloorTurn, Prep, Seal
from waggledance.core import (
    UNIT,
    Body,
    Cut,
    Judgement,
    Member,
    Message,
    Note,
    Opening,
    Outcome,
    PeerId,
    Proposal,
    Question,
    QuestionPart,
    Roster,
    Unknown,
)
from waggledance.protocols import Commitment, Dance, Reveal
from waggledance.tasks import Here, PlanEdit, PlanSeal, SealBacking, TaskOutcome


@dataclass(frozen=True)
class Change:
    """One peer's change of mind."""

    peer: str
    round: int
    before: str
    after: str
    why: str


@dataclass(frozen=True)
class Row:
    """One peer as the watcher sees it."""

    name: str
    answered_round: int = -1
    answer: str | None = None
    stands: tuple[str | None, ...] = ()
    """Every answer that stands: of a peer asked several times, one each time; of one that revised, the last."""
    confidence_ppm: int | None = None
    said: str = ""
    lapse: str = ""
    doing: str = ""


def label(question: Question | None, key: str | None) -> str:
    """Return an answer as people read it: a choice with its option's text, code by its first line and a hash."""
    if key is None:
        return "no answer"
    if question is not None and question.expects == "choice" and len(key) == 1:
        at = ord(key) - ord("A")
        return f"{key} ({one_line(question.options[at], 40)})" if 0 <= at < len(question.options) else one_line(key, 60)
    if question is not None and question.expects == "code":
        return f"{one_line(key.partition(chr(10))[0], 48)} #{blake3(key.encode()).hexdigest(2)}"
    return one_line(key, 60)


@dataclass
class Story:
    """The tale so far; `hear` takes the next message and returns it in plain words."""

    question: Question | None = None
    protocol: str = ""
    rows: dict[PeerId, Row] = field(default_factory=dict[PeerId, Row])
    changes: list[Change] = field(default_factory=list[Change])
    labels: dict[str, str] = field(default_factory=dict[str, str])
    """What people read for every key that was proposed."""
    round: int = 0
    tick: int = -1
    """The last tick of a nest site's dances; -1 before the first."""
    tokens: int = 0
    calls: int = 0
    messages: int = 0
    decided: bool = False
    plan: PlanStory = field(default_factory=PlanStory)

    @property
    def standing(self) -> Counter[str | None]:
        """How many of the answers that stand are which; None counts those that are none."""
        return Counter(answer for row in self.rows.values() for answer in row.stands)

    @property
    def names(self) -> Mapping[PeerId, str]:
        return {peer: row.name for peer, row in self.rows.items()}

    def thinks(self, peer: PeerId) -> bool:
        """Return whether a peer owes an answer: it has not spoken this round, or all have and the next is on."""
        if self.decided:
            return False
        spoken = self.rows[peer].answered_round >= self.round
        return not spoken or all(row.answered_round >= self.round for row in self.rows.values())

    def hear(self, message: Message[Any]) -> str | None:
        """Take the next message; return it in one line of plain text, or None when there is nothing to tell."""
        body = message.body
        self.messages += 1
        cost = getattr(body, "cost", None)
        if cost is not None:
            self.tokens += cost.tokens
            self.calls += cost.calls
        match body:
            case Opening():
                self.question, self.protocol = body.question, body.protocol
                self._seat(body.members)
                return f"{counted(len(body.members), 'peer')}, protocol {body.protocol}, rule {body.rule}" + (
                    f", topology {body.topology}" if body.topology else ""
                )
            case Roster():
                self._seat(body.members)
                return None
            case Proposal():
                return self._propose(message)
            case Judgement():
                return self._judge(message)
            case FloorTurn() | FloorReport():
                return talk_line(body, self._name(message.author))
            case Note():
                return self._note(message)
            case Dance():
                return self._dance(message)
            case PlanEdit():
                return self.plan.tell(self._name(message.author), body)
            case (
                Cut() | Seal() | Claim() | Prep() | Here() | TaskOutcome() | PlanSeal() | SealBacking() | QuestionPart()
            ):
                return None
            case Ack():
                return f"{self._name(message.author)} signs"
            case Commitment():
                return f"{self._name(message.author)} has an answer, and seals it"
            case Reveal():
                return f"{self._name(message.author)} opens its seal"
            case Outcome():
                self.decided = True
                return None
            case _:
                return f"{self._name(message.author)}: {_other(body)}"

    def _seat(self, members: tuple[Member, ...]) -> None:
        for member in members:
            self.rows[member.id] = Row(one_line(member.name, 24))

    def _name(self, peer: PeerId) -> str:
        return self.rows[peer].name if peer in self.rows else peer.hex()[:8]

    def _propose(self, message: Message[Proposal]) -> str:
        body, peer = message.body, message.author
        row = self.rows.setdefault(peer, Row(peer.hex()[:8]))
        if body.key is not None and body.key not in self.labels:
            self.labels[body.key] = label(self.question, body.key)
        said = first_sentence(body.text)
        if body.key is not None and said in (body.key, self.labels[body.key]):
            said = ""
        self.round = max(self.round, body.round)
        before, anew = row.answer, not body.refs
        self.rows[peer] = replace(
            row, answered_round=body.round, answer=body.key, confidence_ppm=body.confidence_ppm, said=said,
            stands=(*row.stands, body.key) if anew else (body.key,), lapse=one_line(body.lapse, 160), doing="",
        )  # fmt: skip
        who = row.name if body.round == 0 else f"{'answer' if anew else 'round'} {body.round + anew}, {row.name}"
        sure = f" ({body.confidence_ppm / UNIT:.0%} sure)" if body.confidence_ppm is not None else ""
        because = f": {said}" if said else ""
        lapse = f" [{one_line(body.lapse, 160)}]" if body.lapse else ""
        if body.key is None:
            return f"{who} has no answer{because}{lapse}"
        answer = self.labels[body.key]
        if not anew and before is not None and before != body.key:
            self.changes.append(Change(row.name, body.round, self.labels[before], answer, said))
            return f"{who} changes {self.labels[before]} to {answer}{sure}{because}{lapse}"
        verb = "stays with" if not anew and before == body.key else "says"
        return f"{who} {verb} {answer}{sure}{because}{lapse}"

    def _judge(self, message: Message[Judgement]) -> str:
        body, peer = message.body, message.author
        n = len(body.verdicts)
        doing = f"judged {n} time{'s' if n != 1 else ''}" if n else "gave no verdict"
        if peer in self.rows:
            self.rows[peer] = replace(self.rows[peer], doing=doing)
        reason = next((first_sentence(verdict.reason) for verdict in body.verdicts if verdict.reason), "")
        lapse = f" [{one_line(body.lapse, 160)}]" if body.lapse else ""
        return f"{self._name(peer)} {doing}{f': {reason}' if reason else ''}{lapse}"

    def _note(self, message: Message[Note]) -> str:
        body, peer = message.body, message.author
        about = body.about.replace("-", " ")
        article = "" if about.endswith("s") else "an " if about[0] in "aeiou" else "a "
        what = article + about
        said = one_line(body.text, 160)
        if peer in self.rows:
            self.rows[peer] = replace(self.rows[peer], doing=f"wrote {what}" if said else f"wrote no {about}")
        who = self._name(peer) if body.round == 0 else f"round {body.round}, {self._name(peer)}"
        lapse = f" [{one_line(body.lapse, 160)}]" if body.lapse else ""
        return f"{who} writes {what}: {said}{lapse}" if said else f"{who} has no {about}{lapse}"

    def _dance(self, message: Message[Dance]) -> str | None:
        body, peer = message.body, message.author
        row = self.rows.setdefault(peer, Row(peer.hex()[:8]))
        site = "home" if body.site is None else self.labels.get(body.site, label(self.question, body.site))
        why = first_sentence(body.reason)
        self.tick = max(self.tick, body.round)
        moved = body.site is not None and row.answer != body.site
        if moved and row.answer is not None:
            self.changes.append(Change(row.name, body.round, self.labels[row.answer], site, why))
        if body.site is not None:
            self.labels.setdefault(body.site, site)
        doing = f"dances at {body.strength_ppm / UNIT:.0%}" if body.strength_ppm else "rests"
        stops = f", stops {', '.join(map(self._name, body.stops))}" if body.stops else ""
        self.rows[peer] = replace(row, answer=body.site, doing=f"{doing}{stops}", said=why or row.said)
        return f"tick {body.round}, {row.name} {'moves to' if moved else 'is at'} {site} and {doing}{stops}" + (
            f": {why}" if why else ""
        )


def _other(body: Body) -> str:
    """Say what is in a body of a kind that only its protocol knows: its kind and its plain fields."""
    kind = body.kind_name if isinstance(body, Unknown) else body.kind
    if kind.startswith(("ap2-", "ucp-")):
        from waggledance.gateways import commerce_words

        if words := commerce_words(body):
            return one_line(words, 160)
    if isinstance(body, Unknown):
        return one_line(f"{body.kind_name}, {len(body.raw)} bytes that nobody here can read", 160)
    fields = [(name, getattr(body, name)) for name in body.__struct_fields__]
    plain = [f"{name} {value}" for name, value in fields if isinstance(value, str | int) and value not in ("", None)]
    return one_line(f"{body.kind}: {', '.join(plain)}" if plain else body.kind, 160)


def as_json(message: Message[Any], names: Mapping[PeerId, str]) -> dict[str, Any]:
    """Return a message as plain values: ids in hexadecimal, the author by name where it is known."""

    body = message.body
    kind = body.kind_name if isinstance(body, Unknown) else body.kind
    return {
        "id": message.id.hex(),
        "kind": kind,
        "author": names.get(message.author, message.author.hex()),
        "sequence": message.sequence,
        "lamport": message.lamport,
        "wall_ms": message.wall_ms,
        "parents": [parent.hex() for parent in message.parents],
        "body": as_plain(body),
    }


def as_plain(value: object) -> Any:
    """Return a struct as plain values, bytes in hexadecimal."""
    match value:
        case bytes():
            return value.hex()
        case msgspec.Struct():
            fields = [(name, getattr(value, name)) for name in value.__struct_fields__]
            return {name: as_plain(field) for name, field in fields if field is not msgspec.UNSET}
        case tuple() | list():
            return [as_plain(item) for item in cast("list[object]", value)]
        case dict():
            return {as_plain(key): as_plain(item) for key, item in cast("dict[object, object]", value).items()}
        case _:
            return value
