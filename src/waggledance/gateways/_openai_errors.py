"""Why there is no answer, as OpenAI's clients are told it: a status, a sentence, a fixed word, a time to return."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from waggledance._run import NobodyAnswered
from waggledance.core import RunFailed, UnknownName, UsageError
from waggledance.gateways._event import Broken, Cancelled, Draining, TooBusy
from waggledance.gateways._openai_answer import DoesNotFit
from waggledance.gateways._openai_body import BadRequest
from waggledance.gateways._refusal import refusal
from waggledance.mesh import NobodyHere

if TYPE_CHECKING:
    from starlette.responses import Response

logger = logging.getLogger(__name__)

_TOO_LONG = ("Shorten it, or load the model", "Shorten the conversation")
_TOO_LATE = ("Allow more time", "seconds is spent")


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """An error as it is told over HTTP."""

    status: int
    message: str
    code: str
    param: str | None = None
    retry_after_s: float | None = None

    def response(self) -> Response:
        """Return it as an HTTP answer."""
        return refusal(self.status, self.message, self.code, self.param, retry_after_s=self.retry_after_s)

    def event(self) -> dict[str, object]:
        """Return it as it stands in a stream that has begun."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


def fault_of(why: Exception) -> Fault:
    """Return the error that is told for what was raised; for a bug its name only, and the log has the rest."""
    said = str(why)
    match why:
        case BadRequest():
            return Fault(status=400, message=said, code=why.code or "invalid_value", param=why.param)
        case UnknownName() if why.noun == "swarm or protocol":
            return Fault(status=404, message=f"model {why.name!r}: {said}", code="model_not_found", param="model")
        case UsageError() if "bytes, the limit is" in said:
            return Fault(status=400, message=said, code="context_length_exceeded", param="messages")
        case UsageError():
            return Fault(status=400, message=said, code="invalid_value")
        case Draining():
            return Fault(status=503, message=said, code="draining", retry_after_s=5)
        case TooBusy():
            return Fault(status=503, message=said, code="overloaded", retry_after_s=1)
        case DoesNotFit():
            return Fault(status=422, message=said, code="answer_does_not_fit")
        case Cancelled():
            return Fault(status=503, message=said, code="cancelled", retry_after_s=5)
        case Broken():
            return Fault(status=500, message=said, code="internal_error")
        case NobodyHere():
            return Fault(status=503, message=said, code="nobody_here", retry_after_s=5)
        case NobodyAnswered():
            return _of_reasons(why)
        case RunFailed():
            return Fault(status=502, message=said, code="run_failed")
        case _:
            logger.error("a request ended in a bug", exc_info=why)
            return Fault(status=500, message="an error of ours; the server's log says where", code="internal_error")


def _of_reasons(why: NobodyAnswered) -> Fault:
    """Return the error for peers that gave no answer, by what most of their models said."""
    reasons = [reason for reason in why.reasons.values() if reason]
    too_long = [reason for reason in reasons if any(mark in reason for mark in _TOO_LONG)]
    too_late = [reason for reason in reasons if any(mark in reason for mark in _TOO_LATE)]
    if too_long and 2 * len(too_long) >= len(reasons):
        return Fault(status=400, message=str(why), code="context_length_exceeded", param="messages")
    if too_late and 2 * len(too_late) >= len(reasons):
        return Fault(status=504, message=str(why), code="timeout")
    return Fault(status=502, message=str(why), code="nobody_answered")
