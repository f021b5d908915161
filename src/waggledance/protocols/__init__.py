"""What is said when: each protocol is one coroutine that every peer runs."""

from waggledance.protocols._debate import Debate as Debate
from waggledance.protocols._protocol import AskProtocol as AskProtocol
from waggledance.protocols._protocol import check_fit as check_fit
from waggledance.protocols._protocol import heard as heard

__all__ = ["AskProtocol", "Debate", "check_fit", "heard"]
