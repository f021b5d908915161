"""What is said when: each protocol is one coroutine that every peer runs."""

from waggledance.protocols._audit import Audit as Audit
from waggledance.protocols._audit import Audited as Audited
from waggledance.protocols._audit import auditors as auditors
from waggledance.protocols._bargaining import Bargaining as Bargaining
from waggledance.protocols._confidence_debate import ConfidenceDebate as ConfidenceDebate
from waggledance.protocols._conversation import Conversation as Conversation
from waggledance.protocols._convincing import Trial as Trial
from waggledance.protocols._convincing import convincing as convincing
from waggledance.protocols._debate import Debate as Debate
from waggledance.protocols._default import Default as Default
from waggledance.protocols._default import protocol_for as protocol_for
from waggledance.protocols._deliberate import agreed as agreed
from waggledance.protocols._deliberate import deliberate as deliberate
from waggledance.protocols._diverse import distances as distances
from waggledance.protocols._diverse import pick_diverse as pick_diverse
from waggledance.protocols._gate import Gate as Gate
from waggledance.protocols._gate import Gates as Gates
from waggledance.protocols._gate import Heard as Heard
from waggledance.protocols._gate import Reason as Reason
from waggledance.protocols._gate import Silent as Silent
from waggledance.protocols._gate import Speak as Speak
from waggledance.protocols._gate import wait_ms as wait_ms
from waggledance.protocols._gate_meaning import ByMeaning as ByMeaning
from waggledance.protocols._gate_model import ByModel as ByModel
from waggledance.protocols._gate_rules import ByRules as ByRules
from waggledance.protocols._gate_rules import calls as calls
from waggledance.protocols._gated import ByRecords as ByRecords
from waggledance.protocols._gated import Gated as Gated
from waggledance.protocols._gated import StaysSilent as StaysSilent
from waggledance.protocols._hearing import hear as hear
from waggledance.protocols._hearing import heard_through as heard_through
from waggledance.protocols._institution import Governed as Governed
from waggledance.protocols._institution import Institution as Institution
from waggledance.protocols._institution_fold import Done as Done
from waggledance.protocols._institution_fold import Due as Due
from waggledance.protocols._institution_fold import next_stage as next_stage
from waggledance.protocols._institution_spec import Fingerprint as Fingerprint
from waggledance.protocols._institution_spec import Spec as Spec
from waggledance.protocols._institution_spec import Stage as Stage
from waggledance.protocols._institution_spec import institution_spec as institution_spec
from waggledance.protocols._institution_spec import institutions as institutions
from waggledance.protocols._nest_site import Dance as Dance
from waggledance.protocols._nest_site import NestSite as NestSite
from waggledance.protocols._outline_paths import OutlinePaths as OutlinePaths
from waggledance.protocols._outlines import assign as assign
from waggledance.protocols._outlines import repeats as repeats
from waggledance.protocols._peer_ranking import PeerRanking as PeerRanking
from waggledance.protocols._protocol import AskProtocol as AskProtocol
from waggledance.protocols._protocol import Folding as Folding
from waggledance.protocols._protocol import check_fit as check_fit
from waggledance.protocols._protocol import check_question as check_question
from waggledance.protocols._quality import evaluators as evaluators
from waggledance.protocols._quality import quality as quality
from waggledance.protocols._quality import weak as weak
from waggledance.protocols._quorum import Quorum as Quorum
from waggledance.protocols._reading import tokens_read as tokens_read
from waggledance.protocols._refinement import Refinement as Refinement
from waggledance.protocols._registry import PROTOCOLS as PROTOCOLS
from waggledance.protocols._registry import by_name as by_name
from waggledance.protocols._registry import register as register
from waggledance.protocols._registry import rule_by_name as rule_by_name
from waggledance.protocols._round_table import RoundTable as RoundTable
from waggledance.protocols._sealed import Commitment as Commitment
from waggledance.protocols._sealed import Opened as Opened
from waggledance.protocols._sealed import Reveal as Reveal
from waggledance.protocols._sealed import Sealed as Sealed
from waggledance.protocols._sealed import commitment_of as commitment_of
from waggledance.protocols._sealed import opened as opened
from waggledance.protocols._society import Society as Society
from waggledance.protocols._spelling import as_opened as as_opened
from waggledance.protocols._spelling import check_spelled as check_spelled
from waggledance.protocols._spelling import folds as folds
from waggledance.protocols._spelling import spelled as spelled
from waggledance.protocols._stopping import chance_of_lead as chance_of_lead
from waggledance.protocols._stopping import likely as likely
from waggledance.protocols._stopping import likely_in as likely_in
from waggledance.protocols._stopping import settled_in as settled_in
from waggledance.protocols._two_first import AgreedFirst as AgreedFirst
from waggledance.protocols._two_first import Tried as Tried
from waggledance.protocols._two_first import TwoFirst as TwoFirst
from waggledance.protocols._two_first import agreed_on as agreed_on
from waggledance.protocols._two_first import drawn as drawn
from waggledance.protocols._verify import Verify as Verify
from waggledance.protocols._verify import seal as seal
from waggledance.protocols._vote import Vote as Vote

__all__ = [
    "PROTOCOLS",
    "AgreedFirst",
    "AskProtocol",
    "Audit",
    "Audited",
    "Bargaining",
    "ByMeaning",
    "ByModel",
    "ByRecords",
    "ByRules",
    "Commitment",
    "ConfidenceDebate",
    "Conversation",
    "Dance",
    "Debate",
    "Default",
    "Done",
    "Due",
    "Fingerprint",
    "Folding",
    "Gate",
    "Gated",
    "Gates",
    "Governed",
    "Heard",
    "Institution",
    "NestSite",
    "Opened",
    "OutlinePaths",
    "PeerRanking",
    "Quorum",
    "Reason",
    "Refinement",
    "Reveal",
    "RoundTable",
    "Sealed",
    "Silent",
    "Society",
    "Speak",
    "Spec",
    "Stage",
    "StaysSilent",
    "Trial",
    "Tried",
    "TwoFirst",
    "Verify",
    "Vote",
    "agreed",
    "agreed_on",
    "as_opened",
    "assign",
    "auditors",
    "by_name",
    "calls",
    "chance_of_lead",
    "check_fit",
    "check_question",
    "check_spelled",
    "commitment_of",
    "convincing",
    "deliberate",
    "distances",
    "drawn",
    "evaluators",
    "folds",
    "hear",
    "heard_through",
    "institution_spec",
    "institutions",
    "likely",
    "likely_in",
    "next_stage",
    "opened",
    "pick_diverse",
    "protocol_for",
    "quality",
    "register",
    "repeats",
    "rule_by_name",
    "seal",
    "settled_in",
    "spelled",
    "tokens_read",
    "wait_ms",
    "weak",
]
