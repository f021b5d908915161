"""waggledance: swarms of AI agents with no centre.

>>> from waggledance import FunctionPeer, Swarm
>>> Swarm([FunctionPeer("ada", lambda question: "4")]).ask_sync("2 + 2?").key
'4'
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from waggledance._lazy import lazy

if TYPE_CHECKING:
    from waggledance._replay import ReplayDiffers as ReplayDiffers
    from waggledance._replay import decide_again as decide_again
    from waggledance._run import NobodyAnswered as NobodyAnswered
    from waggledance._swarm import Interrupted as Interrupted
    from waggledance._swarm import Swarm as Swarm
    from waggledance.core import Budget as Budget
    from waggledance.core import Decision as Decision
    from waggledance.core import Log as Log
    from waggledance.core import Message as Message
    from waggledance.core import Proposal as Proposal
    from waggledance.core import Question as Question
    from waggledance.core import Seat as Seat
    from waggledance.core import WaggleError as WaggleError
    from waggledance.core import after as after
    from waggledance.core import count as count
    from waggledance.core import everyone as everyone
    from waggledance.models import model as model
    from waggledance.peers import Agent as Agent
    from waggledance.peers import FunctionPeer as FunctionPeer
    from waggledance.peers import HumanPeer as HumanPeer
else:
    __getattr__, __dir__, __all__ = lazy(__name__)

__version__ = "0.1.0"
