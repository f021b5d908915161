"""What must hold of a swarm, and what is done so that it does: contracts over the log, limits on acts, traces.

Names are loaded when they are first used, so importing this is light.
"""

from typing import TYPE_CHECKING

from waggledance._lazy import lazy

if TYPE_CHECKING:
    from waggledance.safety._builtin import builtin as builtin
    from waggledance.safety._builtin_exchanges import GrantedTool as GrantedTool
    from waggledance.safety._builtin_exchanges import ScrubbedBeforeRemote as ScrubbedBeforeRemote
    from waggledance.safety._builtin_form import Schema as Schema
    from waggledance.safety._builtin_form import SignatureChain as SignatureChain
    from waggledance.safety._builtin_sources import Cites as Cites
    from waggledance.safety._builtin_sources import NoUseOfRetracted as NoUseOfRetracted
    from waggledance.safety._builtin_sources import RepliesToRead as RepliesToRead
    from waggledance.safety._builtin_sources import Retract as Retract
    from waggledance.safety._builtin_spend import SpawnLimit as SpawnLimit
    from waggledance.safety._builtin_spend import Spend as Spend
    from waggledance.safety._builtin_votes import Answered as Answered
    from waggledance.safety._builtin_votes import Terminates as Terminates
    from waggledance.safety._builtin_votes import vote_once as vote_once
    from waggledance.safety._capabilities import Capabilities as Capabilities
    from waggledance.safety._capabilities import Grant as Grant
    from waggledance.safety._causal_past import CausalPast as CausalPast
    from waggledance.safety._check_log import check as check
    from waggledance.safety._check_log import recheck as recheck
    from waggledance.safety._checked import Checked as Checked
    from waggledance.safety._combinators import at_most as at_most
    from waggledance.safety._combinators import contract as contract
    from waggledance.safety._combinators import each as each
    from waggledance.safety._combinators import every as every
    from waggledance.safety._combinators import sum_of as sum_of
    from waggledance.safety._compare_histories import Change as Change
    from waggledance.safety._compare_histories import Comparison as Comparison
    from waggledance.safety._compliance import Compliance as Compliance
    from waggledance.safety._compliance import Faulty as Faulty
    from waggledance.safety._contract import Contract as Contract
    from waggledance.safety._contract_checker import Checker as Checker
    from waggledance.safety._contract_names import contracts_named as contracts_named
    from waggledance.safety._fork import Fork as Fork
    from waggledance.safety._fork import compare as compare
    from waggledance.safety._fork import fork_name as fork_name
    from waggledance.safety._fork import intervene as intervene
    from waggledance.safety._fork import rerun as rerun
    from waggledance.safety._interventions import Interject as Interject
    from waggledance.safety._interventions import Intervention as Intervention
    from waggledance.safety._interventions import Reword as Reword
    from waggledance.safety._interventions import SwapModel as SwapModel
    from waggledance.safety._interventions import SwapRule as SwapRule
    from waggledance.safety._interventions import Unsay as Unsay
    from waggledance.safety._interventions import Unseat as Unseat
    from waggledance.safety._interventions import as_plain as as_plain
    from waggledance.safety._interventions import intervention_of as intervention_of
    from waggledance.safety._interventions import told_intervention as told_intervention
    from waggledance.safety._mediator import Mediated as Mediated
    from waggledance.safety._otel import Tracing as Tracing
    from waggledance.safety._otel import needs_otel as needs_otel
    from waggledance.safety._otel_export import NotExported as NotExported
    from waggledance.safety._otel_export import Traced as Traced
    from waggledance.safety._otel_export import export_trace as export_trace
    from waggledance.safety._otel_export import exporter_to as exporter_to
    from waggledance.safety._perturbations import Duplicated as Duplicated
    from waggledance.safety._perturbations import Perturbation as Perturbation
    from waggledance.safety._perturbations import Reordered as Reordered
    from waggledance.safety._perturbations import Reworded as Reworded
    from waggledance.safety._perturbations import Swapped as Swapped
    from waggledance.safety._perturbations import ToolFails as ToolFails
    from waggledance.safety._recorded_peer import Asked as Asked
    from waggledance.safety._recorded_peer import Live as Live
    from waggledance.safety._recorded_peer import MissingRecord as MissingRecord
    from waggledance.safety._replay_parts import Peers as Peers
    from waggledance.safety._ruling import Act as Act
    from waggledance.safety._ruling import Blocked as Blocked
    from waggledance.safety._ruling import Rules as Rules
    from waggledance.safety._ruling import Ruling as Ruling
    from waggledance.safety._scrub import HARD as HARD
    from waggledance.safety._scrub import Cleaned as Cleaned
    from waggledance.safety._scrub import HardScrub as HardScrub
    from waggledance.safety._scrub import Placeholders as Placeholders
    from waggledance.safety._scrub import Scrub as Scrub
    from waggledance.safety._scrub import Span as Span
    from waggledance.safety._scrub_soft import SoftScrub as SoftScrub
    from waggledance.safety._scrub_soft import SoftScrubFailed as SoftScrubFailed
    from waggledance.safety._scrubbed import Scrubbed as Scrubbed
    from waggledance.safety._stress import Stress as Stress
    from waggledance.safety._stress import Stressed as Stressed
    from waggledance.safety._violation import Violation as Violation
else:
    __getattr__, __dir__, __all__ = lazy(__name__)
