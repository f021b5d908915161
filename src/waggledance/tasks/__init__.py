"""Work without a manager: plans as folds over published edits, claims, routing, checks, teams and batches.

Everything is loaded when it is first used: the room is large, and a peer at rest needs little of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from waggledance.tasks._batch import run_rows as run_rows
    from waggledance.tasks._batch_file import Asked as Asked
    from waggledance.tasks._batch_file import BatchFile as BatchFile
    from waggledance.tasks._batch_report import BatchReport as BatchReport
    from waggledance.tasks._batch_steps import AskSwarm as AskSwarm
    from waggledance.tasks._batch_steps import pipeline_of as pipeline_of
    from waggledance.tasks._behaviour import Given as Given
    from waggledance.tasks._behaviour import behaviours as behaviours
    from waggledance.tasks._behaviour import by_behaviour as by_behaviour
    from waggledance.tasks._behaviour_runs import Agreed as Agreed
    from waggledance.tasks._behaviour_runs import BehaviourRun as BehaviourRun
    from waggledance.tasks._behaviour_runs import agreed as agreed
    from waggledance.tasks._behaviour_runs import runners as runners
    from waggledance.tasks._bounded import Bounded as Bounded
    from waggledance.tasks._card import Card as Card
    from waggledance.tasks._card import card_of_peer as card_of_peer
    from waggledance.tasks._card import card_of_record as card_of_record
    from waggledance.tasks._cascade import Cascade as Cascade
    from waggledance.tasks._check import Check as Check
    from waggledance.tasks._check import Finding as Finding
    from waggledance.tasks._check_command import command as command
    from waggledance.tasks._check_command import python_tests as python_tests
    from waggledance.tasks._check_judges import disputed as disputed
    from waggledance.tasks._check_judges import judges as judges
    from waggledance.tasks._check_schema import json_of as json_of
    from waggledance.tasks._check_schema import json_schema as json_schema
    from waggledance.tasks._checks import Checks as Checks
    from waggledance.tasks._choose_topology import Arrangement as Arrangement
    from waggledance.tasks._choose_topology import arranged as arranged
    from waggledance.tasks._choose_topology import choose_topology as choose_topology
    from waggledance.tasks._choose_topology import layers as layers
    from waggledance.tasks._claims import Claiming as Claiming
    from waggledance.tasks._code_work import CodeWork as CodeWork
    from waggledance.tasks._code_work import code_plan as code_plan
    from waggledance.tasks._condition import check_condition as check_condition
    from waggledance.tasks._condition import holds as holds
    from waggledance.tasks._consolidate import Call as Call
    from waggledance.tasks._consolidate import Pending as Pending
    from waggledance.tasks._consolidate import call_of as call_of
    from waggledance.tasks._consolidate import consolidate as consolidate
    from waggledance.tasks._consolidated import Consolidated as Consolidated
    from waggledance.tasks._consolidated import consolidated as consolidated
    from waggledance.tasks._critical import Critical as Critical
    from waggledance.tasks._delegating import Delegating as Delegating
    from waggledance.tasks._delivery import Delivery as Delivery
    from waggledance.tasks._delivery import read_delivery as read_delivery
    from waggledance.tasks._doubted import doubted_by as doubted_by
    from waggledance.tasks._edge_weights import EdgeWeights as EdgeWeights
    from waggledance.tasks._edit import Accept as Accept
    from waggledance.tasks._edit import Add as Add
    from waggledance.tasks._edit import Claim as Claim
    from waggledance.tasks._edit import Done as Done
    from waggledance.tasks._edit import Drop as Drop
    from waggledance.tasks._edit import Expand as Expand
    from waggledance.tasks._edit import Fail as Fail
    from waggledance.tasks._edit import HandOver as HandOver
    from waggledance.tasks._edit import Hedge as Hedge
    from waggledance.tasks._edit import Join as Join
    from waggledance.tasks._edit import Link as Link
    from waggledance.tasks._edit import Op as Op
    from waggledance.tasks._edit import PlanEdit as PlanEdit
    from waggledance.tasks._edit import Release as Release
    from waggledance.tasks._edit import Renew as Renew
    from waggledance.tasks._edit import Replace as Replace
    from waggledance.tasks._edit import Review as Review
    from waggledance.tasks._entry import Entry as Entry
    from waggledance.tasks._entry import Status as Status
    from waggledance.tasks._fan_out import fan_out as fan_out
    from waggledance.tasks._file_blocks import read_files as read_files
    from waggledance.tasks._fit import Fit as Fit
    from waggledance.tasks._fit import fit as fit
    from waggledance.tasks._funcoder import FunCoder as FunCoder
    from waggledance.tasks._funcoder import funcoder as funcoder
    from waggledance.tasks._functional_consensus import Candidate as Candidate
    from waggledance.tasks._functional_consensus import Consensus as Consensus
    from waggledance.tasks._functional_consensus import functional_consensus as functional_consensus
    from waggledance.tasks._functional_consensus import similarities as similarities
    from waggledance.tasks._functional_consensus import within_domain as within_domain
    from waggledance.tasks._git import GitFailed as GitFailed
    from waggledance.tasks._git_workspace import GitWorkspace as GitWorkspace
    from waggledance.tasks._git_workspace import take_in as take_in
    from waggledance.tasks._git_workspace import workspace as workspace
    from waggledance.tasks._here import Here as Here
    from waggledance.tasks._inputs import inputs as inputs
    from waggledance.tasks._inputs import kind_of as kind_of
    from waggledance.tasks._lin_ucb import LinUCB as LinUCB
    from waggledance.tasks._linted import Linted as Linted
    from waggledance.tasks._merge import Collided as Collided
    from waggledance.tasks._merge import GitMerging as GitMerging
    from waggledance.tasks._merge import Merged as Merged
    from waggledance.tasks._merge_gate import Bounced as Bounced
    from waggledance.tasks._merge_gate import Delivered as Delivered
    from waggledance.tasks._merge_gate import Integration as Integration
    from waggledance.tasks._merge_gate import integrate as integrate
    from waggledance.tasks._merge_gate import passes as passes
    from waggledance.tasks._negotiated import Negotiated as Negotiated
    from waggledance.tasks._negotiated import Objecting as Objecting
    from waggledance.tasks._negotiation import Objection as Objection
    from waggledance.tasks._negotiation import PlanAgreed as PlanAgreed
    from waggledance.tasks._negotiation import PlanDraft as PlanDraft
    from waggledance.tasks._negotiation import PlanOpinion as PlanOpinion
    from waggledance.tasks._negotiation import draft_agreed as draft_agreed
    from waggledance.tasks._offering import Supply as Supply
    from waggledance.tasks._offering import Supplying as Supplying
    from waggledance.tasks._on_ray import run_on_ray as run_on_ray
    from waggledance.tasks._opened_plan import opened_plan as opened_plan
    from waggledance.tasks._outcome import TaskOutcome as TaskOutcome
    from waggledance.tasks._outcome import counted as counted
    from waggledance.tasks._outcome import reward_of as reward_of
    from waggledance.tasks._pipeline import Pipeline as Pipeline
    from waggledance.tasks._place import place as place
    from waggledance.tasks._plan import Plan as Plan
    from waggledance.tasks._plan import Refusal as Refusal
    from waggledance.tasks._plan_lint import Flaw as Flaw
    from waggledance.tasks._plan_lint import PlanLint as PlanLint
    from waggledance.tasks._plan_result import PlanResult as PlanResult
    from waggledance.tasks._plan_tool import PLAN_TOOL as PLAN_TOOL
    from waggledance.tasks._plan_tool import PlanTool as PlanTool
    from waggledance.tasks._plan_tool import ToolReply as ToolReply
    from waggledance.tasks._plan_tool import publish_reply as publish_reply
    from waggledance.tasks._planned import Planned as Planned
    from waggledance.tasks._planned import decision_of as decision_of
    from waggledance.tasks._planner import Atomic as Atomic
    from waggledance.tasks._planner import Parts as Parts
    from waggledance.tasks._planner import Planner as Planner
    from waggledance.tasks._planners import PLANNERS as PLANNERS
    from waggledance.tasks._planners import planner_by_name as planner_by_name
    from waggledance.tasks._protocols import register_protocols as register_protocols
    from waggledance.tasks._rebalancer import Move as Move
    from waggledance.tasks._rebalancer import Rebalancer as Rebalancer
    from waggledance.tasks._rebalancer import Room as Room
    from waggledance.tasks._recipe import Kind as Kind
    from waggledance.tasks._recipe import Recipe as Recipe
    from waggledance.tasks._recipe import RecipeFault as RecipeFault
    from waggledance.tasks._recipe import RecipeLimits as RecipeLimits
    from waggledance.tasks._recipe import Role as Role
    from waggledance.tasks._recipe_file import read_recipe as read_recipe
    from waggledance.tasks._recipe_file import recipe_from as recipe_from
    from waggledance.tasks._recipe_parts import step_in as step_in
    from waggledance.tasks._recipe_parts import steps_in as steps_in
    from waggledance.tasks._recipe_parts import watched_by as watched_by
    from waggledance.tasks._recipe_steps import RecipeStep as RecipeStep
    from waggledance.tasks._repair_gate import Gate as Gate
    from waggledance.tasks._repair_gate import Infeasible as Infeasible
    from waggledance.tasks._repair_gate import Offered as Offered
    from waggledance.tasks._repair_gate import Repaired as Repaired
    from waggledance.tasks._repair_messages import RepairCancel as RepairCancel
    from waggledance.tasks._repair_messages import RepairCommit as RepairCommit
    from waggledance.tasks._repair_messages import RepairOffer as RepairOffer
    from waggledance.tasks._repair_messages import RepairRequest as RepairRequest
    from waggledance.tasks._repair_messages import awarded as awarded
    from waggledance.tasks._replanning import AnotherWay as AnotherWay
    from waggledance.tasks._replanning import Replanned as Replanned
    from waggledance.tasks._replanning import Replanning as Replanning
    from waggledance.tasks._replanning import Reviser as Reviser
    from waggledance.tasks._replanning import Revision as Revision
    from waggledance.tasks._replanning import causes_of as causes_of
    from waggledance.tasks._replanning import replan_task as replan_task
    from waggledance.tasks._role_function import Artefact as Artefact
    from waggledance.tasks._role_function import Watched as Watched
    from waggledance.tasks._role_function import role_function as role_function
    from waggledance.tasks._roma import Roma as Roma
    from waggledance.tasks._roma import roma as roma
    from waggledance.tasks._router import Router as Router
    from waggledance.tasks._router import Scored as Scored
    from waggledance.tasks._router import State as State
    from waggledance.tasks._routers import ROUTERS as ROUTERS
    from waggledance.tasks._routers import router_by_name as router_by_name
    from waggledance.tasks._row import Failure as Failure
    from waggledance.tasks._row import Row as Row
    from waggledance.tasks._row_frames import JournalFailed as JournalFailed
    from waggledance.tasks._row_journal import JournalInUse as JournalInUse
    from waggledance.tasks._row_journal import PlanChanged as PlanChanged
    from waggledance.tasks._row_journal import RowJournal as RowJournal
    from waggledance.tasks._rows_in import piped_rows as piped_rows
    from waggledance.tasks._rows_in import read_rows as read_rows
    from waggledance.tasks._rows_out import RowsOut as RowsOut
    from waggledance.tasks._run_plan import run_plan as run_plan
    from waggledance.tasks._sandbox import Sandbox as Sandbox
    from waggledance.tasks._sandbox_limits import Limits as Limits
    from waggledance.tasks._sandbox_limits import Ran as Ran
    from waggledance.tasks._sandbox_run import SandboxFailed as SandboxFailed
    from waggledance.tasks._scope import scope as scope
    from waggledance.tasks._scope import within_hops as within_hops
    from waggledance.tasks._seals import PlanSeal as PlanSeal
    from waggledance.tasks._seals import SealBacking as SealBacking
    from waggledance.tasks._search_tree import Found as Found
    from waggledance.tasks._search_tree import Looking as Looking
    from waggledance.tasks._search_tree import SearchTree as SearchTree
    from waggledance.tasks._shape import Shape as Shape
    from waggledance.tasks._shelf_box import ShelfBox as ShelfBox
    from waggledance.tasks._signature import Signature as Signature
    from waggledance.tasks._signature import signature as signature
    from waggledance.tasks._softmax import Softmax as Softmax
    from waggledance.tasks._standing import Standing as Standing
    from waggledance.tasks._static import StaticSkills as StaticSkills
    from waggledance.tasks._step import Back as Back
    from waggledance.tasks._step import Step as Step
    from waggledance.tasks._step import step as step
    from waggledance.tasks._stubs import Stub as Stub
    from waggledance.tasks._stubs import stubs as stubs
    from waggledance.tasks._task import Task as Task
    from waggledance.tasks._task import TaskBudget as TaskBudget
    from waggledance.tasks._task import TaskId as TaskId
    from waggledance.tasks._team import Team as Team
    from waggledance.tasks._team import newest_of as newest_of
    from waggledance.tasks._team import outcome_of as outcome_of
    from waggledance.tasks._team import team_of as team_of
    from waggledance.tasks._tool_runs import call_tool as call_tool
    from waggledance.tasks._tool_runs import try_tool as try_tool
    from waggledance.tasks._tool_shelf import Tool as Tool
    from waggledance.tasks._tool_shelf import ToolOffer as ToolOffer
    from waggledance.tasks._tool_shelf import ToolRetire as ToolRetire
    from waggledance.tasks._tool_shelf import ToolShelf as ToolShelf
    from waggledance.tasks._tool_shelf import ToolVouch as ToolVouch
    from waggledance.tasks._tree_search import StepSearch as StepSearch
    from waggledance.tasks._tree_search import search_tree as search_tree
    from waggledance.tasks._triggers import Cause as Cause
    from waggledance.tasks._triggers import FailedTask as FailedTask
    from waggledance.tasks._triggers import NewFact as NewFact
    from waggledance.tasks._triggers import SparePeer as SparePeer
    from waggledance.tasks._triggers import Trigger as Trigger
    from waggledance.tasks._two_choices import TwoChoices as TwoChoices
    from waggledance.tasks._type_ucb import TypeUCB as TypeUCB
    from waggledance.tasks._visit import Visit as Visit
    from waggledance.tasks._width import Ascending as Ascending
    from waggledance.tasks._width import Budgeted as Budgeted
    from waggledance.tasks._width import Constant as Constant
    from waggledance.tasks._width import Descending as Descending
    from waggledance.tasks._width import Width as Width
    from waggledance.tasks._work import Executor as Executor
    from waggledance.tasks._work import Result as Result
    from waggledance.tasks._work import Work as Work
    from waggledance.tasks._work import by_peer as by_peer
    from waggledance.tasks._yaml_lines import WrongPlan as WrongPlan

_HOMES = {
    "Accept": "_edit",
    "Add": "_edit",
    "Agreed": "_behaviour_runs",
    "AnotherWay": "_replanning",
    "Arrangement": "_choose_topology",
    "Artefact": "_role_function",
    "Ascending": "_width",
    "AskSwarm": "_batch_steps",
    "Asked": "_batch_file",
    "Atomic": "_planner",
    "Back": "_step",
    "BatchFile": "_batch_file",
    "BatchReport": "_batch_report",
    "BehaviourRun": "_behaviour_runs",
    "Bounced": "_merge_gate",
    "Bounded": "_bounded",
    "Budgeted": "_width",
    "Call": "_consolidate",
    "Candidate": "_functional_consensus",
    "Card": "_card",
    "Cascade": "_cascade",
    "Cause": "_triggers",
    "Check": "_check",
    "Checks": "_checks",
    "Claim": "_edit",
    "Claiming": "_claims",
    "CodeWork": "_code_work",
    "Collided": "_merge",
    "Consensus": "_functional_consensus",
    "Consolidated": "_consolidated",
    "Constant": "_width",
    "Critical": "_critical",
    "Delegating": "_delegating",
    "Delivered": "_merge_gate",
    "Delivery": "_delivery",
    "Descending": "_width",
    "Done": "_edit",
    "Drop": "_edit",
    "EdgeWeights": "_edge_weights",
    "Entry": "_entry",
    "Executor": "_work",
    "Expand": "_edit",
    "Fail": "_edit",
    "FailedTask": "_triggers",
    "Failure": "_row",
    "Finding": "_check",
    "Fit": "_fit",
    "Flaw": "_plan_lint",
    "Found": "_search_tree",
    "FunCoder": "_funcoder",
    "Gate": "_repair_gate",
    "GitFailed": "_git",
    "GitMerging": "_merge",
    "GitWorkspace": "_git_workspace",
    "Given": "_behaviour",
    "HandOver": "_edit",
    "Hedge": "_edit",
    "Here": "_here",
    "Infeasible": "_repair_gate",
    "Integration": "_merge_gate",
    "JournalFailed": "_row_frames",
    "JournalInUse": "_row_journal",
    "Kind": "_recipe",
    "Limits": "_sandbox_limits",
    "LinUCB": "_lin_ucb",
    "Join": "_edit",
    "Link": "_edit",
    "Linted": "_linted",
    "Looking": "_search_tree",
    "Merged": "_merge",
    "Move": "_rebalancer",
    "Negotiated": "_negotiated",
    "NewFact": "_triggers",
    "Objecting": "_negotiated",
    "Objection": "_negotiation",
    "Offered": "_repair_gate",
    "Op": "_edit",
    "PLANNERS": "_planners",
    "PLAN_TOOL": "_plan_tool",
    "Parts": "_planner",
    "Pending": "_consolidate",
    "Pipeline": "_pipeline",
    "Plan": "_plan",
    "PlanAgreed": "_negotiation",
    "PlanChanged": "_row_journal",
    "PlanDraft": "_negotiation",
    "PlanEdit": "_edit",
    "PlanLint": "_plan_lint",
    "PlanOpinion": "_negotiation",
    "PlanResult": "_plan_result",
    "PlanSeal": "_seals",
    "PlanTool": "_plan_tool",
    "Planned": "_planned",
    "Planner": "_planner",
    "ROUTERS": "_routers",
    "Ran": "_sandbox_limits",
    "Rebalancer": "_rebalancer",
    "Recipe": "_recipe",
    "RecipeFault": "_recipe",
    "RecipeLimits": "_recipe",
    "RecipeStep": "_recipe_steps",
    "Refusal": "_plan",
    "Release": "_edit",
    "Renew": "_edit",
    "RepairCancel": "_repair_messages",
    "RepairCommit": "_repair_messages",
    "RepairOffer": "_repair_messages",
    "RepairRequest": "_repair_messages",
    "Repaired": "_repair_gate",
    "Replace": "_edit",
    "Replanned": "_replanning",
    "Replanning": "_replanning",
    "Result": "_work",
    "Review": "_edit",
    "Reviser": "_replanning",
    "Revision": "_replanning",
    "Role": "_recipe",
    "Roma": "_roma",
    "Room": "_rebalancer",
    "Router": "_router",
    "Row": "_row",
    "RowJournal": "_row_journal",
    "RowsOut": "_rows_out",
    "Sandbox": "_sandbox",
    "SandboxFailed": "_sandbox_run",
    "Scored": "_router",
    "SearchTree": "_search_tree",
    "SealBacking": "_seals",
    "Shape": "_shape",
    "ShelfBox": "_shelf_box",
    "Signature": "_signature",
    "Softmax": "_softmax",
    "SparePeer": "_triggers",
    "Standing": "_standing",
    "State": "_router",
    "StaticSkills": "_static",
    "Status": "_entry",
    "Step": "_step",
    "StepSearch": "_tree_search",
    "Stub": "_stubs",
    "Supply": "_offering",
    "Supplying": "_offering",
    "Task": "_task",
    "TaskBudget": "_task",
    "TaskId": "_task",
    "TaskOutcome": "_outcome",
    "Team": "_team",
    "Tool": "_tool_shelf",
    "ToolOffer": "_tool_shelf",
    "ToolReply": "_plan_tool",
    "ToolRetire": "_tool_shelf",
    "ToolShelf": "_tool_shelf",
    "ToolVouch": "_tool_shelf",
    "Trigger": "_triggers",
    "TwoChoices": "_two_choices",
    "TypeUCB": "_type_ucb",
    "Visit": "_visit",
    "Watched": "_role_function",
    "Width": "_width",
    "Work": "_work",
    "WrongPlan": "_yaml_lines",
    "agreed": "_behaviour_runs",
    "arranged": "_choose_topology",
    "awarded": "_repair_messages",
    "behaviours": "_behaviour",
    "by_behaviour": "_behaviour",
    "by_peer": "_work",
    "call_of": "_consolidate",
    "call_tool": "_tool_runs",
    "card_of_peer": "_card",
    "card_of_record": "_card",
    "causes_of": "_replanning",
    "check_condition": "_condition",
    "choose_topology": "_choose_topology",
    "code_plan": "_code_work",
    "command": "_check_command",
    "consolidate": "_consolidate",
    "consolidated": "_consolidated",
    "counted": "_outcome",
    "decision_of": "_planned",
    "disputed": "_check_judges",
    "doubted_by": "_doubted",
    "draft_agreed": "_negotiation",
    "fan_out": "_fan_out",
    "fit": "_fit",
    "funcoder": "_funcoder",
    "functional_consensus": "_functional_consensus",
    "holds": "_condition",
    "inputs": "_inputs",
    "integrate": "_merge_gate",
    "json_of": "_check_schema",
    "json_schema": "_check_schema",
    "judges": "_check_judges",
    "kind_of": "_inputs",
    "layers": "_choose_topology",
    "newest_of": "_team",
    "opened_plan": "_opened_plan",
    "outcome_of": "_team",
    "passes": "_merge_gate",
    "piped_rows": "_rows_in",
    "pipeline_of": "_batch_steps",
    "place": "_place",
    "planner_by_name": "_planners",
    "publish_reply": "_plan_tool",
    "python_tests": "_check_command",
    "read_delivery": "_delivery",
    "read_files": "_file_blocks",
    "read_recipe": "_recipe_file",
    "read_rows": "_rows_in",
    "recipe_from": "_recipe_file",
    "register_protocols": "_protocols",
    "replan_task": "_replanning",
    "reward_of": "_outcome",
    "role_function": "_role_function",
    "roma": "_roma",
    "router_by_name": "_routers",
    "run_on_ray": "_on_ray",
    "run_plan": "_run_plan",
    "run_rows": "_batch",
    "runners": "_behaviour_runs",
    "scope": "_scope",
    "search_tree": "_tree_search",
    "signature": "_signature",
    "similarities": "_functional_consensus",
    "step": "_step",
    "step_in": "_recipe_parts",
    "steps_in": "_recipe_parts",
    "stubs": "_stubs",
    "take_in": "_git_workspace",
    "team_of": "_team",
    "try_tool": "_tool_runs",
    "watched_by": "_recipe_parts",
    "within_domain": "_functional_consensus",
    "within_hops": "_scope",
    "workspace": "_git_workspace",
}

__all__ = [  # pyright: ignore[reportUnsupportedDunderAll] — loaded when first used
    "PLANNERS",
    "PLAN_TOOL",
    "ROUTERS",
    "Accept",
    "Add",
    "Agreed",
    "AnotherWay",
    "Arrangement",
    "Artefact",
    "Ascending",
    "AskSwarm",
    "Asked",
    "Atomic",
    "Back",
    "BatchFile",
    "BatchReport",
    "BehaviourRun",
    "Bounced",
    "Bounded",
    "Budgeted",
    "Call",
    "Candidate",
    "Card",
    "Cascade",
    "Cause",
    "Check",
    "Checks",
    "Claim",
    "Claiming",
    "CodeWork",
    "Collided",
    "Consensus",
    "Consolidated",
    "Constant",
    "Critical",
    "Delegating",
    "Delivered",
    "Delivery",
    "Descending",
    "Done",
    "Drop",
    "EdgeWeights",
    "Entry",
    "Executor",
    "Expand",
    "Fail",
    "FailedTask",
    "Failure",
    "Finding",
    "Fit",
    "Flaw",
    "Found",
    "FunCoder",
    "Gate",
    "GitFailed",
    "GitMerging",
    "GitWorkspace",
    "Given",
    "HandOver",
    "Hedge",
    "Here",
    "Infeasible",
    "Integration",
    "Join",
    "JournalFailed",
    "JournalInUse",
    "Kind",
    "Limits",
    "LinUCB",
    "Link",
    "Linted",
    "Looking",
    "Merged",
    "Move",
    "Negotiated",
    "NewFact",
    "Objecting",
    "Objection",
    "Offered",
    "Op",
    "Parts",
    "Pending",
    "Pipeline",
    "Plan",
    "PlanAgreed",
    "PlanChanged",
    "PlanDraft",
    "PlanEdit",
    "PlanLint",
    "PlanOpinion",
    "PlanResult",
    "PlanSeal",
    "PlanTool",
    "Planned",
    "Planner",
    "Ran",
    "Rebalancer",
    "Recipe",
    "RecipeFault",
    "RecipeLimits",
    "RecipeStep",
    "Refusal",
    "Release",
    "Renew",
    "RepairCancel",
    "RepairCommit",
    "RepairOffer",
    "RepairRequest",
    "Repaired",
    "Replace",
    "Replanned",
    "Replanning",
    "Result",
    "Review",
    "Reviser",
    "Revision",
    "Role",
    "Roma",
    "Room",
    "Router",
    "Row",
    "RowJournal",
    "RowsOut",
    "Sandbox",
    "SandboxFailed",
    "Scored",
    "SealBacking",
    "SearchTree",
    "Shape",
    "ShelfBox",
    "Signature",
    "Softmax",
    "SparePeer",
    "Standing",
    "State",
    "StaticSkills",
    "Status",
    "Step",
    "StepSearch",
    "Stub",
    "Supply",
    "Supplying",
    "Task",
    "TaskBudget",
    "TaskId",
    "TaskOutcome",
    "Team",
    "Tool",
    "ToolOffer",
    "ToolReply",
    "ToolRetire",
    "ToolShelf",
    "ToolVouch",
    "Trigger",
    "TwoChoices",
    "TypeUCB",
    "Visit",
    "Watched",
    "Width",
    "Work",
    "WrongPlan",
    "agreed",
    "arranged",
    "awarded",
    "behaviours",
    "by_behaviour",
    "by_peer",
    "call_of",
    "call_tool",
    "card_of_peer",
    "card_of_record",
    "causes_of",
    "check_condition",
    "choose_topology",
    "code_plan",
    "command",
    "consolidate",
    "consolidated",
    "counted",
    "decision_of",
    "disputed",
    "doubted_by",
    "draft_agreed",
    "fan_out",
    "fit",
    "funcoder",
    "functional_consensus",
    "holds",
    "inputs",
    "integrate",
    "json_of",
    "json_schema",
    "judges",
    "kind_of",
    "layers",
    "newest_of",
    "opened_plan",
    "outcome_of",
    "passes",
    "piped_rows",
    "pipeline_of",
    "place",
    "planner_by_name",
    "publish_reply",
    "python_tests",
    "read_delivery",
    "read_files",
    "read_recipe",
    "read_rows",
    "recipe_from",
    "register_protocols",
    "replan_task",
    "reward_of",
    "role_function",
    "roma",
    "router_by_name",
    "run_on_ray",
    "run_plan",
    "run_rows",
    "runners",
    "scope",
    "search_tree",
    "signature",
    "similarities",
    "step",
    "step_in",
    "steps_in",
    "stubs",
    "take_in",
    "team_of",
    "try_tool",
    "watched_by",
    "within_domain",
    "within_hops",
    "workspace",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
