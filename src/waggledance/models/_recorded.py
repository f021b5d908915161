"""Real answers, kept in a bank and given again: exact, offline, free. The first answer to a key counts."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from waggledance.core._errors import UsageError
from waggledance.models._bank import Appender, Entry, decode_entry, read, request_key
from waggledance.models._errors import NotRecorded
from waggledance.models._model import Completion, Model, Request, sees

logger = logging.getLogger(__name__)


class Recorded:
    """A model that gives recorded answers and no others.

    Args:
        path: the bank, ``.jsonl`` or ``.jsonl.gz``.
        model: whose answers to give, when the bank holds those of several models.

    Raises:
        UsageError: there is no such file, or it does not say whose answers to give.
    """

    sees = True
    """What was answered to pictures is found by them."""

    def __init__(self, path: Path | str, *, model: str | None = None) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise UsageError(
                f"there is no bank of recorded answers at {self.path}; record one with Recorder(model, path)"
            )
        bank = read(self.path, decode_entry)
        if bank.skipped:
            whole = len(bank.entries)
            logger.warning(
                "%s: skipped %d of %d lines, which are broken", self.path, bank.skipped, bank.skipped + whole
            )
        models = {entry.model for entry in bank.entries}
        if not models:
            raise UsageError(
                f"{self.path} holds no recorded answers; `waggle lab record` and Recorder write such files"
            )
        if model is None:
            if len(models) != 1:
                held = ", ".join(sorted(models))
                raise UsageError(f"{self.path} holds {held}; say whose answers to give: recorded:PATH#MODEL")
            (model,) = models
        elif model not in models:
            raise UsageError(f"{self.path} has no answers of {model}; it holds {', '.join(sorted(models)) or 'none'}")
        self.model = model
        self.name = f"recorded:{model}"
        self.skipped = bank.skipped
        """Broken lines that were left out."""
        self._answers = _first(bank.entries)

    def __len__(self) -> int:
        return len(self._answers)

    async def complete(self, request: Request) -> Completion:
        """Give the recorded answer.

        Raises:
            NotRecorded: there is none to this request.
        """
        answer = self._answers.get(request_key(self.model, request))
        if answer is None:
            question = " ".join(request.turns[-1].text.split())
            raise NotRecorded(
                self.name,
                f"no answer is recorded for {question[:120]!r} (seed {request.seed}, "
                f"temperature {request.temperature:g}, max_tokens {request.max_tokens})",
                f"Record it by asking {self.model} through Recorder(model, {str(self.path)!r}).",
            )
        return answer

    async def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        """Give the recorded answer, in one piece."""
        completion = await self.complete(request)
        hear(completion.text)
        return completion

    async def aclose(self) -> None:
        """Do nothing: the bank is in memory."""


class Recorder:
    """A model that asks another one and keeps every answer in a bank.

    What the bank already holds is given from there, so that an interrupted recording goes on where it stopped. Each
    answer is one append to the file, so a killed process loses at most the line it was writing.
    """

    def __init__(self, model: Model, path: Path | str) -> None:
        self.model, self.path = model, Path(path)
        bank = read(self.path, decode_entry)
        self._answers = _first(bank.entries)
        self._bank = Appender(self.path, bank.torn_at)

    @property
    def name(self) -> str:
        """The name of the model behind."""
        return self.model.name

    @property
    def sees(self) -> bool:
        """Whether the model behind can be shown pictures."""
        return sees(self.model)

    async def complete(self, request: Request) -> Completion:
        """Ask, keep the answer, give it."""
        key = request_key(self.name, request)
        if (known := self._answers.get(key)) is not None:
            return known
        completion = await self.model.complete(request)
        self._bank.append(Entry(key=key, model=self.name, request=request, completion=completion))
        self._answers.setdefault(key, completion)
        return completion

    async def aclose(self) -> None:
        """Close the file and the model behind."""
        self._bank.close()
        await self.model.aclose()


def _first(entries: Sequence[Entry]) -> dict[str, Completion]:
    """The first answer to each key."""
    answers: dict[str, Completion] = {}
    for entry in entries:
        answers.setdefault(entry.key, entry.completion)
    return answers
