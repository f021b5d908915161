"""What a swarm remembers: one store of records, and views of it.

Everything is loaded when it is first used: the room is large, and a peer at rest needs little of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from waggledance._lazy import lazy

if TYPE_CHECKING:
    from waggledance.memory._admission import Candidate as Candidate
    from waggledance.memory._admission import Credit as Credit
    from waggledance.memory._admission import Policy as Policy
    from waggledance.memory._admission import UsageLogit as UsageLogit
    from waggledance.memory._admission import everything as everything
    from waggledance.memory._admission import half_at_random as half_at_random
    from waggledance.memory._admission import hand_rule as hand_rule
    from waggledance.memory._agent_status import AgentStatus as AgentStatus
    from waggledance.memory._agent_status import statuses as statuses
    from waggledance.memory._answer import Answer as Answer
    from waggledance.memory._answer import answers_to as answers_to
    from waggledance.memory._bank import Use as Use
    from waggledance.memory._bank import candidates_of as candidates_of
    from waggledance.memory._bank import select as select
    from waggledance.memory._bank import uses_of as uses_of
    from waggledance.memory._board import Board as Board
    from waggledance.memory._board import Contribution as Contribution
    from waggledance.memory._board import Index as Index
    from waggledance.memory._board import record_index as record_index
    from waggledance.memory._entropy_drive import diversity_ppm as diversity_ppm
    from waggledance.memory._entropy_drive import temperature as temperature
    from waggledance.memory._exemplars import alike_from as alike_from
    from waggledance.memory._exemplars import exemplar as exemplar
    from waggledance.memory._exemplars import score_of as score_of
    from waggledance.memory._exemplars import thinned as thinned
    from waggledance.memory._exemplars import work_of as work_of
    from waggledance.memory._exemplars import worker_of as worker_of
    from waggledance.memory._fill_slots import fill_slots as fill_slots
    from waggledance.memory._focus import next_focus as next_focus
    from waggledance.memory._fusion import fused as fused
    from waggledance.memory._goals import consolidate as consolidate
    from waggledance.memory._goals import goal as goal
    from waggledance.memory._goals import goal_view as goal_view
    from waggledance.memory._goals import prerequisites as prerequisites
    from waggledance.memory._graph import KnowledgeGraph as KnowledgeGraph
    from waggledance.memory._kept import ANY as ANY
    from waggledance.memory._kept import Found as Found
    from waggledance.memory._kept import Kept as Kept
    from waggledance.memory._kept import Mode as Mode
    from waggledance.memory._kept import Where as Where
    from waggledance.memory._memory import Memory as Memory
    from waggledance.memory._question_pattern import has_pattern as has_pattern
    from waggledance.memory._question_pattern import pattern_of as pattern_of
    from waggledance.memory._record import MAX_TEXT_CHARS as MAX_TEXT_CHARS
    from waggledance.memory._record import PRIVATE as PRIVATE
    from waggledance.memory._record import TEAM as TEAM
    from waggledance.memory._record import Record as Record
    from waggledance.memory._record import Recorded as Recorded
    from waggledance.memory._record import RecordId as RecordId
    from waggledance.memory._record import may_see as may_see
    from waggledance.memory._record import publish as publish
    from waggledance.memory._record import shared as shared
    from waggledance.memory._remembering import Remembering as Remembering
    from waggledance.memory._skill_book import SkillBook as SkillBook
    from waggledance.memory._skill_book import judges_of as judges_of
    from waggledance.memory._skills import Outcome as Outcome
    from waggledance.memory._skills import Skill as Skill
    from waggledance.memory._skills import Stage as Stage
    from waggledance.memory._skills import needed as needed
    from waggledance.memory._skills import skill_of as skill_of
    from waggledance.memory._slots import Fill as Fill
    from waggledance.memory._slots import Known as Known
    from waggledance.memory._slots import Slot as Slot
    from waggledance.memory._slots import Slots as Slots
    from waggledance.memory._slots import source_mark as source_mark
    from waggledance.memory._store import MemoryFull as MemoryFull
    from waggledance.memory._store import RecordStore as RecordStore
    from waggledance.memory._told import told as told
    from waggledance.memory._trials import Trial as Trial
    from waggledance.memory._trials import refuted as refuted
    from waggledance.memory._triples import Same as Same
    from waggledance.memory._triples import Triples as Triples
    from waggledance.memory._triples import node_of as node_of
    from waggledance.memory._workspace import Workspace as Workspace
    from waggledance.memory._workspace import summarised as summarised
else:
    __getattr__, __dir__, __all__ = lazy(__name__)
