"""From the messages and items of OpenAI's clients to turns of a conversation."""

from __future__ import annotations

import msgspec

from waggledance.core import ToolCall, Turn, well_formed
from waggledance.gateways._openai_body import BadRequest, ChatMessage, Item, Part, ResponseBody
from waggledance.gateways._openai_pictures import KINDS, picture_of


def chat_turns(message: ChatMessage, i: int) -> tuple[Turn, ...]:
    """Return the `i`-th message of a chat completion as turns.

    Raises:
        BadRequest: a part of it is of a kind that cannot be read.
    """
    where = f"messages[{i}].content"
    if message.role == "user":
        turn = _shown(message.content, where)
        name = well_formed(message.name or "")
        return (msgspec.structs.replace(turn, text=f"{name}: {turn.text}") if name else turn,)
    text = _text(message.content, where)
    match message.role:
        case "system" | "developer":
            return (Turn("system", text),)
        case "assistant":
            calls = message.tool_calls or []
            called = tuple(_call(c.id, c.function.name, c.function.arguments) for c in calls)
            return (Turn("assistant", text, calls=called),)
        case "tool" | "function":
            return (Turn("tool", text, call=well_formed(message.tool_call_id or message.name or "")),)


def input_turns(body: ResponseBody) -> tuple[Turn, ...]:
    """Return a response's input as turns.

    Raises:
        BadRequest: an item is of a kind that cannot be read.
    """
    if isinstance(body.input, str):
        return (Turn("user", well_formed(body.input)),)
    return tuple(turn for i, item in enumerate(body.input) for turn in _item_turns(item, i))


def _item_turns(item: Item, i: int) -> tuple[Turn, ...]:
    match item.type:
        case "message" if item.role == "user":
            return (_shown(item.content, f"input[{i}].content"),)
        case "message" if item.role is not None:
            role = "system" if item.role == "developer" else item.role
            return (Turn(role, _text(item.content, f"input[{i}].content")),)
        case "function_call":
            return (Turn("assistant", "", calls=(_call(item.call_id, item.name, item.arguments),)),)
        case "function_call_output":
            return (Turn("tool", _text(item.output, f"input[{i}].output"), call=well_formed(item.call_id)),)
        case "reasoning":  # what peers said on the way; it was ours
            return ()
        case _:
            raise BadRequest(f"input[{i}] is of a kind that cannot be read here: {item.type[:80]!r}", f"input[{i}]")


def _call(id: str, name: str, arguments: str) -> ToolCall:
    return ToolCall(well_formed(id), well_formed(name), well_formed(arguments))


def _shown(content: str | list[Part] | None, where: str) -> Turn:
    """Return a user's message as a turn: the words, and the pictures among them."""
    if content is None or isinstance(content, str):
        return Turn("user", _text(content, where))
    at = [f"{where}[{j}]" for j in range(len(content))]
    pictures = tuple(picture_of(part, at[j]) for j, part in enumerate(content) if part.type in KINDS)
    words = [_words(part, at[j]) for j, part in enumerate(content) if part.type not in KINDS]
    return Turn("user", well_formed("\n".join(words)), pictures=pictures)


def _text(content: str | list[Part] | None, where: str) -> str:
    if content is None or isinstance(content, str):
        return well_formed(content or "")
    return well_formed("\n".join(_words(part, f"{where}[{j}]") for j, part in enumerate(content)))


def _words(part: Part, where: str) -> str:
    if part.type in ("text", "input_text", "output_text", "refusal"):
        return part.text
    what = f"{where} is {part.type[:80]!r}; peers here read text, and look at pictures of the user's"
    raise BadRequest(what, where, "unsupported_content")
