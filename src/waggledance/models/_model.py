"""What every language model looks like from outside: a request in, a completion out.

A back end is any object with a `name`, `complete` and `aclose`. It honours every field of the request or says
that it cannot; it raises `ModelError` when it cannot answer and `asyncio.CancelledError` when its task is cancelled.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import msgspec

from waggledance.core._errors import RunFailed, UsageError
from waggledance.core._turn import Tool, ToolCall, Turn

MAX_SEED = 2**63 - 1  # what OpenAI-compatible endpoints take: a signed 64-bit integer


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One question to a model; valid or not born.

    >>> Request(turns=(Turn("user", "2+2?"),), max_tokens=0)
    Traceback (most recent call last):
    waggledance.core._errors.UsageError: max_tokens must be at least 1, got 0
    """

    turns: tuple[Turn, ...]
    """The conversation so far, oldest first; never empty. Put what many peers share first: it is computed once."""
    max_tokens: int = 256
    """The most tokens the answer may have."""
    temperature: float = 0.7
    """0 takes the likeliest token each time; 1 samples from the model's own distribution."""
    seed: int = 0
    """Same request and seed, asked alone of the same back end: same text, where the back end can promise that."""
    stop: tuple[str, ...] = ()
    """Strings that end the answer; they are not part of it."""
    timeout_s: float = 60.0
    """Seconds from asking to answer, waiting for a free slot and retries included."""
    logprobs: bool = False
    """Whether to return the log-probability of every token of the answer."""
    tools: tuple[Tool, ...] = ()
    """What the model may ask to have done; it then answers with `Completion.calls`."""
    schema: str = ""
    """A JSON schema, as JSON text, that the answer must fit; where a back end cannot hold a model to it, it refuses."""

    def __post_init__(self) -> None:
        if not self.turns:
            raise UsageError("a request needs at least one turn, got none")
        for turn in self.turns:
            if turn.role not in ("system", "user", "assistant", "tool"):
                raise UsageError(f"a turn's role is system, user, assistant or tool, got {turn.role!r}")
        if self.max_tokens < 1:
            raise UsageError(f"max_tokens must be at least 1, got {self.max_tokens}")
        if not (math.isfinite(self.temperature) and 0 <= self.temperature <= 10):
            raise UsageError(f"temperature must be between 0 and 10, got {self.temperature}")
        if not 0 <= self.seed <= MAX_SEED:
            raise UsageError(f"seed must be between 0 and 2**63 - 1, got {self.seed}")
        if any(not stop for stop in self.stop):
            raise UsageError("a stop string may not be empty: it would end every answer at once")
        if not (math.isfinite(self.timeout_s) and self.timeout_s > 0):
            raise UsageError(f"timeout_s must be a positive number of seconds, got {self.timeout_s}")
        if len({tool.name for tool in self.tools}) < len(self.tools):
            raise UsageError("two tools of one request have the same name; give each its own")


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """A model's answer to one request."""

    text: str
    """The answer; may be empty, when the model said nothing."""
    prompt_tokens: int
    """Tokens of the question."""
    completion_tokens: int
    """Tokens of the answer."""
    finish: Literal["stop", "length"]
    """Whether the model ended by itself or at a stop string (`stop`), or hit `max_tokens` (`length`)."""
    seconds: float
    """Seconds from asking to answer."""
    evaluated_prompt_tokens: int | None = None
    """Prompt tokens computed afresh for this answer, the rest came from a shared prefix; None: not told."""
    logprobs: tuple[float, ...] | None = None
    """Natural logarithm of each answer token's probability before sampling; None: not asked or not told. The token that
    ends an answer may be counted in `completion_tokens` and have none."""
    usd_micro: int | None = None
    """Price in millionths of a dollar; None: unknown."""
    calls: tuple[ToolCall, ...] = ()
    """The tools that the model wants used before it answers; `text` is then what it said beside, often nothing."""


class Model(Protocol):
    """A language model."""

    @property
    def name(self) -> str:
        """What the model is called in logs and on the command line, like ``embedded:smollm2-135m``."""
        ...

    async def complete(self, request: Request) -> Completion:
        """Answer one request.

        Raises:
            ModelError: no answer could be had; says why and what to do.
        """
        ...

    async def aclose(self) -> None:
        """Let go of memory, threads and connections; closing twice is fine."""
        ...


class ModelError(RunFailed):
    """A model could not answer: which one, what happened, and what to do about it."""

    passing = False
    """Whether asking again may well help; retries look at nothing else."""

    def __init__(self, model: str, what: str, remedy: str) -> None:
        super().__init__(model, what, remedy)
        self.model, self.what, self.remedy = model, what, remedy

    def __str__(self) -> str:
        return f"{self.model}: {self.what}. {self.remedy}"


@runtime_checkable
class Changing(Protocol):
    """A model that sends requests on in another form, such as without private details."""

    async def as_sent(self, request: Request) -> Request:
        """Return a request as it leaves; the same request always leaves alike."""
        ...


async def as_sent(model: Model, request: Request) -> Request:
    """Return a request as it leaves for the model's back end: what a log keeps of it."""
    return await model.as_sent(request) if isinstance(model, Changing) else request


def sees(model: Model) -> bool:
    """Say whether a model can be shown pictures: it says so itself, by an attribute ``sees``."""
    return bool(getattr(model, "sees", False))


def check_sight(model: Model, request: Request) -> None:
    """Refuse to ask a model about pictures that it cannot look at, for it would answer as if there were none.

    Raises:
        ModelError: the request shows pictures, and the model does not see.
    """
    if any(turn.pictures for turn in request.turns) and not sees(model):
        what = "it cannot look at the pictures of the conversation"
        raise ModelError(model.name, what, "Seat a model that can, such as openai:gpt-5-mini, or tell it in words")


@runtime_checkable
class Adaptable(Model, Protocol):
    """A language model to whose weights adapters can be added."""

    def adapted(self, adapters: Sequence[Path]) -> Model:
        """Return the same model with these added, and no others; this one stays as it is. Close the new one.

        Args:
            adapters: files, made for this very model.

        Raises:
            ModelError: one of them is not there, or no adapter.
        """
        ...


@runtime_checkable
class Streaming(Protocol):
    """A language model whose words can be heard while they come."""

    async def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        """Answer one request as `complete` does, and tell each piece of the text as it comes.

        Pieces joined are the completion's text, but for what a stop string then cuts off; a failure may come after
        some of them.

        Raises:
            ModelError: no answer could be had; says why and what to do.
        """
        ...
