"""The nouns: messages, channels, conditions, peers, seats, budgets, decisions. Everything else leans on them."""

from waggledance.core._bodies import THREAD as THREAD
from waggledance.core._bodies import UNIT as UNIT
from waggledance.core._bodies import AnswerKind as AnswerKind
from waggledance.core._bodies import Cut as Cut
from waggledance.core._bodies import Judgement as Judgement
from waggledance.core._bodies import Member as Member
from waggledance.core._bodies import Note as Note
from waggledance.core._bodies import Opening as Opening
from waggledance.core._bodies import Outcome as Outcome
from waggledance.core._bodies import Proposal as Proposal
from waggledance.core._bodies import Question as Question
from waggledance.core._bodies import Roster as Roster
from waggledance.core._bodies import Verdict as Verdict
from waggledance.core._bodies import Whole as Whole
from waggledance.core._bodies import well_formed as well_formed
from waggledance.core._budget import NO_COST as NO_COST
from waggledance.core._budget import Budget as Budget
from waggledance.core._budget import BudgetSpent as BudgetSpent
from waggledance.core._budget import Cost as Cost
from waggledance.core._budget import Meter as Meter
from waggledance.core._budget import PlainBudget as PlainBudget
from waggledance.core._causal_past import past_of as past_of
from waggledance.core._channel import Channel as Channel
from waggledance.core._clock import Clock as Clock
from waggledance.core._clock import LoopClock as LoopClock
from waggledance.core._condition import Condition as Condition
from waggledance.core._condition import after as after
from waggledance.core._condition import count as count
from waggledance.core._condition import everyone as everyone
from waggledance.core._condition import everyone_within as everyone_within
from waggledance.core._decision import Decision as Decision
from waggledance.core._decision import Dissent as Dissent
from waggledance.core._door import Door as Door
from waggledance.core._door import Refusal as Refusal
from waggledance.core._door import Unvouched as Unvouched
from waggledance.core._door import Verify as Verify
from waggledance.core._errors import PeerFault as PeerFault
from waggledance.core._errors import RunFailed as RunFailed
from waggledance.core._errors import UnknownName as UnknownName
from waggledance.core._errors import UsageError as UsageError
from waggledance.core._errors import WaggleError as WaggleError
from waggledance.core._errors import why_unreadable as why_unreadable
from waggledance.core._exchange import UNSEEN as UNSEEN
from waggledance.core._exchange import Asking as Asking
from waggledance.core._exchange import Exchange as Exchange
from waggledance.core._exchange import Exchanges as Exchanges
from waggledance.core._exchange import KeepsExchanges as KeepsExchanges
from waggledance.core._exchange import Witness as Witness
from waggledance.core._exchange import Words as Words
from waggledance.core._extra import with_extra as with_extra
from waggledance.core._file_lock import FileLock as FileLock
from waggledance.core._fork import ForkProof as ForkProof
from waggledance.core._ids import MessageId as MessageId
from waggledance.core._ids import PeerId as PeerId
from waggledance.core._ids import SwarmId as SwarmId
from waggledance.core._ids import local_peer_id as local_peer_id
from waggledance.core._ids import show as show
from waggledance.core._ids import swarm_id as swarm_id
from waggledance.core._keys import Key as Key
from waggledance.core._keys import is_public_key as is_public_key
from waggledance.core._keys import signature_holds as signature_holds
from waggledance.core._log import Log as Log
from waggledance.core._log import Summary as Summary
from waggledance.core._log_check import ChannelReport as ChannelReport
from waggledance.core._log_check import Fault as Fault
from waggledance.core._log_check import Report as Report
from waggledance.core._log_check import verify as verify
from waggledance.core._log_export import export_jsonl as export_jsonl
from waggledance.core._log_export import export_parquet as export_parquet
from waggledance.core._log_file import LogDamaged as LogDamaged
from waggledance.core._log_file import LogFailed as LogFailed
from waggledance.core._log_lock import LogInUse as LogInUse
from waggledance.core._log_repair import repair as repair
from waggledance.core._message import Body as Body
from waggledance.core._message import Message as Message
from waggledance.core._message import Unknown as Unknown
from waggledance.core._message import compose as compose
from waggledance.core._message import encode as encode
from waggledance.core._message import encode_canonical as encode_canonical
from waggledance.core._message import frame as frame
from waggledance.core._message import open_frame as open_frame
from waggledance.core._message import raw_of as raw_of
from waggledance.core._news import News as News
from waggledance.core._package import best_package as best_package
from waggledance.core._package import package_key as package_key
from waggledance.core._package import package_of as package_of
from waggledance.core._part import BlobRef as BlobRef
from waggledance.core._part import Meta as Meta
from waggledance.core._part import Part as Part
from waggledance.core._part import Transcript as Transcript
from waggledance.core._peer import Call as Call
from waggledance.core._peer import Peer as Peer
from waggledance.core._question_parts import MAX_QUESTION_BYTES as MAX_QUESTION_BYTES
from waggledance.core._question_parts import QuestionPart as QuestionPart
from waggledance.core._question_parts import QuestionTooLong as QuestionTooLong
from waggledance.core._question_parts import parted as parted
from waggledance.core._question_parts import whole_question as whole_question
from waggledance.core._replay import cut_of as cut_of
from waggledance.core._replay import members_of as members_of
from waggledance.core._replay import opening_of as opening_of
from waggledance.core._replay import outcome_of as outcome_of
from waggledance.core._retold import ForkedFrom as ForkedFrom
from waggledance.core._retold import Retold as Retold
from waggledance.core._retold import Teller as Teller
from waggledance.core._retold import fork_of as fork_of
from waggledance.core._retold import renamed as renamed
from waggledance.core._retold import stand_in as stand_in
from waggledance.core._run_awake import run_awake as run_awake
from waggledance.core._say import Say as Say
from waggledance.core._seat import Seat as Seat
from waggledance.core._seat import Table as Table
from waggledance.core._turn import Picture as Picture
from waggledance.core._turn import Tool as Tool
from waggledance.core._turn import ToolCall as ToolCall
from waggledance.core._turn import Turn as Turn
from waggledance.core._turn import calls_key as calls_key
from waggledance.core._turn import calls_of as calls_of

__all__ = [
    "MAX_QUESTION_BYTES",
    "NO_COST",
    "THREAD",
    "UNIT",
    "UNSEEN",
    "AnswerKind",
    "Asking",
    "BlobRef",
    "Body",
    "Budget",
    "BudgetSpent",
    "Call",
    "Channel",
    "ChannelReport",
    "Clock",
    "Condition",
    "Cost",
    "Cut",
    "Decision",
    "Dissent",
    "Door",
    "Exchange",
    "Exchanges",
    "Fault",
    "FileLock",
    "ForkProof",
    "ForkedFrom",
    "Judgement",
    "KeepsExchanges",
    "Key",
    "Log",
    "LogDamaged",
    "LogFailed",
    "LogInUse",
    "LoopClock",
    "Member",
    "Message",
    "MessageId",
    "Meta",
    "Meter",
    "News",
    "Note",
    "Opening",
    "Outcome",
    "Part",
    "Peer",
    "PeerFault",
    "PeerId",
    "Picture",
    "PlainBudget",
    "Proposal",
    "Question",
    "QuestionPart",
    "QuestionTooLong",
    "Refusal",
    "Report",
    "Retold",
    "Roster",
    "RunFailed",
    "Say",
    "Seat",
    "Summary",
    "SwarmId",
    "Table",
    "Teller",
    "Tool",
    "ToolCall",
    "Transcript",
    "Turn",
    "Unknown",
    "UnknownName",
    "Unvouched",
    "UsageError",
    "Verdict",
    "Verify",
    "WaggleError",
    "Whole",
    "Witness",
    "Words",
    "after",
    "best_package",
    "calls_key",
    "calls_of",
    "compose",
    "count",
    "cut_of",
    "encode",
    "encode_canonical",
    "everyone",
    "everyone_within",
    "export_jsonl",
    "export_parquet",
    "fork_of",
    "frame",
    "is_public_key",
    "local_peer_id",
    "members_of",
    "open_frame",
    "opening_of",
    "outcome_of",
    "package_key",
    "package_of",
    "parted",
    "past_of",
    "raw_of",
    "renamed",
    "repair",
    "run_awake",
    "show",
    "signature_holds",
    "stand_in",
    "swarm_id",
    "verify",
    "well_formed",
    "whole_question",
    "why_unreadable",
    "with_extra",
]
