"""The nouns: messages, channels, conditions, peers, seats, budgets, decisions. Everything else leans on them."""

from waggledance.core._bodies import UNIT as UNIT
from waggledance.core._bodies import AnswerKind as AnswerKind
from waggledance.core._bodies import Cut as Cut
from waggledance.core._bodies import Judgement as Judgement
from waggledance.core._bodies import Member as Member
from waggledance.core._bodies import Opening as Opening
from waggledance.core._bodies import Outcome as Outcome
from waggledance.core._bodies import Proposal as Proposal
from waggledance.core._bodies import Question as Question
from waggledance.core._bodies import Roster as Roster
from waggledance.core._bodies import Verdict as Verdict
from waggledance.core._budget import NO_COST as NO_COST
from waggledance.core._budget import Budget as Budget
from waggledance.core._budget import BudgetSpent as BudgetSpent
from waggledance.core._budget import Cost as Cost
from waggledance.core._budget import Meter as Meter
from waggledance.core._channel import Channel as Channel
from waggledance.core._clock import Clock as Clock
from waggledance.core._clock import LoopClock as LoopClock
from waggledance.core._condition import Condition as Condition
from waggledance.core._condition import after as after
from waggledance.core._condition import count as count
from waggledance.core._condition import everyone as everyone
from waggledance.core._decision import Decision as Decision
from waggledance.core._decision import Dissent as Dissent
from waggledance.core._door import Door as Door
from waggledance.core._door import Refusal as Refusal
from waggledance.core._errors import PeerFault as PeerFault
from waggledance.core._errors import RunFailed as RunFailed
from waggledance.core._errors import UnknownName as UnknownName
from waggledance.core._errors import UsageError as UsageError
from waggledance.core._errors import WaggleError as WaggleError
from waggledance.core._fork import ForkProof as ForkProof
from waggledance.core._ids import MessageId as MessageId
from waggledance.core._ids import PeerId as PeerId
from waggledance.core._ids import SwarmId as SwarmId
from waggledance.core._ids import local_peer_id as local_peer_id
from waggledance.core._ids import show as show
from waggledance.core._ids import swarm_id as swarm_id
from waggledance.core._keys import Key as Key
from waggledance.core._keys import signature_holds as signature_holds
from waggledance.core._message import Body as Body
from waggledance.core._message import Message as Message
from waggledance.core._message import Unknown as Unknown
from waggledance.core._message import encode as encode
from waggledance.core._message import frame as frame
from waggledance.core._message import open_frame as open_frame
from waggledance.core._peer import Call as Call
from waggledance.core._peer import Peer as Peer
from waggledance.core._seat import Seat as Seat
from waggledance.core._seat import Table as Table

__all__ = [
    "NO_COST",
    "UNIT",
    "AnswerKind",
    "Body",
    "Budget",
    "BudgetSpent",
    "Call",
    "Channel",
    "Clock",
    "Condition",
    "Cost",
    "Cut",
    "Decision",
    "Dissent",
    "Door",
    "ForkProof",
    "Judgement",
    "Key",
    "LoopClock",
    "Member",
    "Message",
    "MessageId",
    "Meter",
    "Opening",
    "Outcome",
    "Peer",
    "PeerFault",
    "PeerId",
    "Proposal",
    "Question",
    "Refusal",
    "Roster",
    "RunFailed",
    "Seat",
    "SwarmId",
    "Table",
    "Unknown",
    "UnknownName",
    "UsageError",
    "Verdict",
    "WaggleError",
    "after",
    "count",
    "encode",
    "everyone",
    "frame",
    "local_peer_id",
    "open_frame",
    "show",
    "signature_holds",
    "swarm_id",
]
