"""The ways in which a model fails to answer, each with its own remedy.

ModelError
├── Unreachable     nobody answers at the address             asked again
├── ServerFailed    the endpoint answered 5xx                 asked again
├── RateLimited     429; knows how long to wait               asked again
├── TimedOut        no answer within the request's time
├── WrongKey        401, 403, or no key at all
├── Refused         the endpoint does not accept the request (4xx)
│   └── PromptTooLong
├── BadAnswer       an answer that is no answer
│   └── CutShort    the connection ended inside the answer    asked again
├── WeightsMissing  the model's file is not here
│   └── WeightsBroken   it is here and is not what it should be
├── FetchFailed     the file could not be fetched
├── NotRecorded     the bank of recorded answers has no such question
└── ScriptEnded     a scripted model has said all its lines
"""

from waggledance.models._model import ModelError


class Unreachable(ModelError):
    """Nobody answers at the endpoint's address."""

    passing = True


class ServerFailed(ModelError):
    """The endpoint answered that it failed itself (5xx)."""

    passing = True


class RateLimited(ModelError):
    """The endpoint wants fewer requests (429)."""

    passing = True

    def __init__(self, model: str, what: str, remedy: str, retry_after_s: float | None = None) -> None:
        super().__init__(model, what, remedy)
        self.args = (model, what, remedy, retry_after_s)
        self.retry_after_s = retry_after_s


class TimedOut(ModelError):
    """No answer within the request's `timeout_s`."""


class WrongKey(ModelError):
    """The endpoint wants another key (401, 403), or there is none to send."""


class Refused(ModelError):
    """The endpoint does not accept this request, and will not next time either (4xx)."""


class PromptTooLong(Refused):
    """The conversation does not fit into the model's context."""


class BadAnswer(ModelError):
    """What came back is no answer: not JSON, not the agreed fields, withheld, or far too large."""


class CutShort(BadAnswer):
    """The connection ended inside the answer."""

    passing = True


class WeightsMissing(ModelError):
    """The model's file is not on this machine."""


class WeightsBroken(WeightsMissing):
    """The model's file is here and is not what it should be."""


class FetchFailed(ModelError):
    """The model's file could not be fetched."""


class NotRecorded(ModelError):
    """The bank of recorded answers does not hold this question."""


class ScriptEnded(ModelError):
    """A scripted model has said all its lines."""
