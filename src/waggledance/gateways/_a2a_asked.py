"""From an A2A message to a question: its texts together; how the answer is compared, where the caller says so.

An A2A message says nothing about the kind of answer that counts. A caller that knows our extension says it in the
message's metadata, under ``urn:waggledance:question:1``:

    {"expects": "number", "options": ["…"], "costs": [1], "spend": 3, "protocol": "vote", "seed": 7,
     "budget": {"calls": 20}, "hops": 1}

every field of it optional; else the kind is guessed from the words. `hops` counts the swarms that a question has come
through, so that swarms which have each other as peers do not ask each other for ever.

A picture in the message itself goes to the peers whose models can look at it, before the words. Nothing is ever
fetched: a part that has an address and says that it is text, or says nothing, is named in the question and no more;
parts of other media types are refused, so that nobody believes they were seen.

A client that draws A2UI says so in the metadata too, under ``a2uiClientCapabilities``; what its user did on a surface
of ours comes as a data part of type ``application/json+a2ui``, and is what is asked.

Source: Agent2Agent protocol 1.0, §4.1.4 and §4.1.6 (messages, parts) and §4.6 (extensions); A2UI's extension 0.9.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Annotated, Any

import msgspec
from a2a.types import Message, Part
from a2a.utils.errors import ContentTypeNotSupportedError, InvalidParamsError
from google.protobuf.json_format import MessageToDict

from waggledance.core import AnswerKind, Budget, Picture, Question, Turn, UsageError, parted, well_formed
from waggledance.gateways._a2ui_action import Action, asked_by, draws
from waggledance.gateways._shown_pictures import picture_at, picture_of
from waggledance.peers import guess_kind

QUESTION = "urn:waggledance:question:1"
TEXT, JSON, A2UI = "text/plain", "application/json", "application/json+a2ui"
MAX_QUESTION_BYTES = 48_000
"""What is left of a message's 64 KiB for the question, when everyone who is asked is in it too."""
MAX_PARTS = 64
MAX_HOPS = 4
"""So many swarms one after the other may ask each other a question."""
HOPS: ContextVar[int] = ContextVar("HOPS", default=0)
"""How many swarms the question that is being worked on has come through; the tasks of a run inherit it."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller may say about their question in a message's metadata."""

    expects: AnswerKind | None = None
    options: tuple[str, ...] = ()
    costs: tuple[int, ...] | None = None
    spend: int | None = None
    protocol: str = ""
    seed: int | None = None
    budget: Budget | None = None
    hops: Annotated[int, msgspec.Meta(ge=0)] = 0


def wanted_of(message: Message) -> Wanted:
    """Return what a message says under our extension.

    Raises:
        InvalidParamsError: what stands there is not of its form, or the question has come through too many swarms.
    """
    if QUESTION not in message.metadata:
        return Wanted()
    try:
        said = MessageToDict(message.metadata)[QUESTION]
        wanted = msgspec.convert(said, Wanted, strict=False)  # numbers come as floats
    except (msgspec.ValidationError, UsageError) as why:
        raise InvalidParamsError(f"the message's metadata, {QUESTION}: {why}") from why
    if wanted.hops > MAX_HOPS:
        raise InvalidParamsError(f"the question has come through {MAX_HOPS} swarms, and each asks the next one")
    return wanted


def question_of(
    message: Message, wanted: Wanted, *, expects: AnswerKind | None = None, before: tuple[Turn, ...] = ()
) -> Question:
    """Return what a message asks.

    Args:
        message: the caller's.
        wanted: what it says under our extension.
        expects: the kind of answer that counts where it does not say; guessed from the words when None.
        before: what was said before in its conversation.

    Raises:
        InvalidParamsError: it has no words, too many, or options that do not fit its kind.
        ContentTypeNotSupportedError: a part of it is of a media type that peers cannot read.
    """
    if len(message.parts) > MAX_PARTS:
        raise InvalidParamsError(f"a message of {len(message.parts):,} parts; the limit is {MAX_PARTS}")
    pictures = tuple(_picture_of(part) for part in message.parts if _is_picture(part))
    text = "\n\n".join(filter(None, (_text_of(part).strip() for part in message.parts if not _is_picture(part))))
    if not text:
        raise InvalidParamsError("the message has no words; ask something in a text part")
    size = len(text.encode()) + sum(len(option.encode()) for option in wanted.options)
    if size > MAX_QUESTION_BYTES:
        raise InvalidParamsError(f"the message has {size:,} bytes of text; the limit is {MAX_QUESTION_BYTES:,}")
    if pictures:  # a question is words; what it shows stands right before it
        before = (*before, Turn("user", "", pictures=pictures))
    try:
        asked = _question(well_formed(text), wanted, expects)
        if before:
            asked = msgspec.structs.replace(asked, before=before)
            parted(asked)  # which refuses what cannot be told to members
        return asked
    except UsageError as why:
        raise InvalidParamsError(str(why)) from why


def _question(text: str, wanted: Wanted, expects: AnswerKind | None) -> Question:
    if wanted.expects is None:
        return guess_kind(text) if expects is None else Question(text=text, expects=expects)
    more: dict[str, Any] = {}
    if wanted.costs is not None:
        more["costs"] = wanted.costs
    if wanted.spend is not None:
        more["spend"] = wanted.spend
    return Question(text=text, expects=wanted.expects, options=tuple(map(well_formed, wanted.options)), **more)


def wants_surface(message: Message) -> bool:
    """Say whether a message's sender draws A2UI surfaces: it says so in the message's metadata."""
    said = "a2uiClientCapabilities"
    return said in message.metadata and draws(MessageToDict(message.metadata)[said])


def shows_pictures(question: Question) -> bool:
    """Say whether a question, or what was said before it, shows pictures."""
    return any(turn.pictures for turn in question.conversation)


def _media_of(part: Part) -> str:
    said = part.media_type or MessageToDict(part.metadata).get("mimeType", "")
    return str(said).partition(";")[0].strip().lower()


def _is_picture(part: Part) -> bool:
    return part.WhichOneof("content") in ("raw", "url") and (
        _media_of(part).startswith("image/") or part.url[:11].lower() == "data:image/"
    )


def _picture_of(part: Part) -> Picture:
    """Return one part as a picture.

    Raises:
        ContentTypeNotSupportedError: it is at an address, or no picture that can be passed on.
    """
    try:
        return picture_at(part.url) if part.url else picture_of(part.media_type, part.raw)
    except UsageError as why:
        raise ContentTypeNotSupportedError(f"a part of type {part.media_type[:80]!r} is {why}") from why


def text_of(parts: Iterable[Part]) -> str:
    """Return the texts of parts, for people to read; parts that are no text are left out."""
    return "\n\n".join(part.text for part in parts if part.WhichOneof("content") == "text")


def _acted(said: object) -> str:
    """Return what a user did on surfaces of ours as what is asked by it.

    Raises:
        InvalidParamsError: it is no list of A2UI's actions, or an action that no surface of ours has.
    """
    try:
        return "\n\n".join(asked_by(one.action) for one in msgspec.convert(said, list[_Reported]))
    except (msgspec.ValidationError, UsageError) as why:
        raise InvalidParamsError(f"a part of type {A2UI}: {why}") from why


class _Reported(msgspec.Struct):
    action: Action


def _text_of(part: Part) -> str:
    """Return one part as words.

    Raises:
        ContentTypeNotSupportedError: it is nothing that can be read as words.
    """
    kind, media = part.WhichOneof("content"), _media_of(part)
    if kind == "data" and media == A2UI:
        return _acted(MessageToDict(part.data))
    if media and not (media.startswith("text/") or media == JSON):
        raise ContentTypeNotSupportedError(
            f"a part of type {media[:80]!r}; this swarm reads text and JSON, and looks at pictures"
        )
    if kind == "text":
        return part.text
    if kind == "data":
        return msgspec.json.encode(MessageToDict(part.data)).decode()
    if kind == "url":
        return f"[a file that was not fetched: {part.filename[:200] or 'unnamed'}, {part.url[:2_000]}]"
    if kind == "raw":
        try:
            return part.raw.decode()
        except UnicodeDecodeError as why:
            raise ContentTypeNotSupportedError("a file that is no UTF-8 text; this swarm reads text only") from why
    raise InvalidParamsError("a part of the message has no content: give it text, data, raw or url")
