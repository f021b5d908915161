"""What OpenAI's clients can ask for and a swarm cannot give: refused by its field, or named in the answer's notes.

Refused is what a client would look for in the answer and miss, or what would have become part of the question.
"""

from __future__ import annotations

from collections.abc import Iterable

from waggledance.gateways._openai_body import BadRequest, ChatBody, ResponseBody

_NO_LOGPROBS = (
    "a swarm's answer has no token probabilities: peers found it each in their own words. How sure the swarm is stands "
    "in the answer's field waggle, as confidence and support; leave this out"
)
_OLD_FUNCTIONS = "this old form of tools is not read; offer them as tools, and say which with tool_choice"
_NO_SOUND = "a swarm answers in text; leave this out, or ask for text"
_NOT_KEPT = "nothing is kept here under such a name; send the messages themselves, or previous_response_id"
_SETTINGS = (
    "top_p", "presence_penalty", "frequency_penalty", "logit_bias", "reasoning_effort", "reasoning", "verbosity",
    "web_search_options",
)  # fmt: skip


def check_chat(body: ChatBody) -> None:
    """Refuse a chat completion that wants what there is not.

    Raises:
        BadRequest: names the field, and says what to do.
    """
    _refuse(
        [
            ("logprobs", bool(body.logprobs), _NO_LOGPROBS),
            ("top_logprobs", bool(body.top_logprobs), _NO_LOGPROBS),
            ("functions", bool(body.functions), _OLD_FUNCTIONS),
            ("function_call", body.function_call not in (None, "none", "auto"), _OLD_FUNCTIONS),
            ("modalities", bool(set(body.modalities or ()) - {"text"}), _NO_SOUND),
            ("audio", body.audio is not None, _NO_SOUND),
            (
                "stream_options",
                body.stream_options is not None and not body.stream,
                "these are options of a stream, and stream is not set; leave them out, or stream",
            ),
        ]
    )


def check_response(body: ResponseBody) -> None:
    """Refuse a response that wants what there is not.

    Raises:
        BadRequest: names the field, and says what to do.
    """
    _refuse(
        [
            ("background", bool(body.background), "a response in the background is not known here; leave this out"),
            ("conversation", body.conversation is not None, _NOT_KEPT),
            ("prompt", body.prompt is not None, _NOT_KEPT),
            ("top_logprobs", bool(body.top_logprobs), _NO_LOGPROBS),
            ("include", "message.output_text.logprobs" in (body.include or ()), _NO_LOGPROBS),
        ]
    )


def unheard(body: ChatBody | ResponseBody) -> tuple[str, ...]:
    """Return a note for each setting that would change an answer and cannot be passed on."""
    asked = (name for name in _SETTINGS if getattr(body, name, None) not in (None, 0, 1, {}))
    return tuple(f"{name} is not passed on: peers keep their own" for name in asked)


def _refuse(found: Iterable[tuple[str, bool, str]]) -> None:
    for field, is_wanted, why in found:
        if is_wanted:
            raise BadRequest(f"{field}: {why}", field, "unsupported_parameter")
