"""Rules that turn a set of messages into one decision.

What computes on arrays needs numpy, which takes a tenth of a second to import, so it is loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from waggledance._lazy import lazy
from waggledance.consensus._agreement import agreement as agreement
from waggledance.consensus._agreement import self_preference as self_preference
from waggledance.consensus._bargained import Bargained as Bargained
from waggledance.consensus._bargained import grades_of as grades_of
from waggledance.consensus._borda import borda as borda
from waggledance.consensus._bradley_terry import bradley_terry as bradley_terry
from waggledance.consensus._bradley_terry import strengths as strengths
from waggledance.consensus._calibration import Table as Table
from waggledance.consensus._calibration import auroc as auroc
from waggledance.consensus._calibration import brier as brier
from waggledance.consensus._calibration import ece as ece
from waggledance.consensus._centroid import Centroid as Centroid
from waggledance.consensus._centroid import centroid as centroid
from waggledance.consensus._certificate import Certificate as Certificate
from waggledance.consensus._certificate import CertificateInvalid as CertificateInvalid
from waggledance.consensus._certificate_bodies import Ack as Ack
from waggledance.consensus._certificate_bodies import Claim as Claim
from waggledance.consensus._certificate_bodies import Prep as Prep
from waggledance.consensus._certificate_bodies import Seal as Seal
from waggledance.consensus._certifier import Certifier as Certifier
from waggledance.consensus._condorcet import condorcet as condorcet
from waggledance.consensus._confidence import ConfidenceVote as ConfidenceVote
from waggledance.consensus._confidence import bins_reconcile as bins_reconcile
from waggledance.consensus._confidence import confidence_bins as confidence_bins
from waggledance.consensus._confidence import confidence_vote as confidence_vote
from waggledance.consensus._confidence import identity as identity
from waggledance.consensus._cut_of_seals import Heads as Heads
from waggledance.consensus._cut_of_seals import cut_of_seals as cut_of_seals
from waggledance.consensus._cut_of_seals import messages_of_cut as messages_of_cut
from waggledance.consensus._decided import Decided as Decided
from waggledance.consensus._decided import answer_in as answer_in
from waggledance.consensus._decided import members_hash as members_hash
from waggledance.consensus._decided import outcome_of_decision as outcome_of_decision
from waggledance.consensus._fairness import gini as gini
from waggledance.consensus._fairness import quantile as quantile
from waggledance.consensus._fairness import worst as worst
from waggledance.consensus._floor import Floor as Floor
from waggledance.consensus._floor import FloorState as FloorState
from waggledance.consensus._floor import FloorTask as FloorTask
from waggledance.consensus._floor_bodies import Act as Act
from waggledance.consensus._floor_bodies import Assigned as Assigned
from waggledance.consensus._floor_bodies import FloorReport as FloorReport
from waggledance.consensus._floor_bodies import FloorTurn as FloorTurn
from waggledance.consensus._floor_bodies import TaskRef as TaskRef
from waggledance.consensus._learnt_vote import LearntVote as LearntVote
from waggledance.consensus._log_odds import CalibratedLogOdds as CalibratedLogOdds
from waggledance.consensus._majority import majority as majority
from waggledance.consensus._merged import Merged as Merged
from waggledance.consensus._negotiation import Bargain as Bargain
from waggledance.consensus._negotiation import Measures as Measures
from waggledance.consensus._negotiation import Package as Package
from waggledance.consensus._negotiation import Utility as Utility
from waggledance.consensus._negotiation import negotiate as negotiate
from waggledance.consensus._negotiation import scaled as scaled
from waggledance.consensus._once import Once as Once
from waggledance.consensus._peer_ranked import PeerRanked as PeerRanked
from waggledance.consensus._peer_ranked import Standing as Standing
from waggledance.consensus._progress import Progress as Progress
from waggledance.consensus._quorum import Quorum as Quorum
from waggledance.consensus._quorum import QuorumRule as QuorumRule
from waggledance.consensus._quorum import quorum as quorum
from waggledance.consensus._registry import RULES as RULES
from waggledance.consensus._registry import by_name as by_name
from waggledance.consensus._reliability import from_probes as from_probes
from waggledance.consensus._rule import Judgements as Judgements
from waggledance.consensus._rule import NamedRule as NamedRule
from waggledance.consensus._rule import Proposals as Proposals
from waggledance.consensus._rule import Rule as Rule
from waggledance.consensus._rule import Weights as Weights
from waggledance.consensus._rule import name_of as name_of
from waggledance.consensus._rule import needs_of as needs_of
from waggledance.consensus._rule import rule as rule
from waggledance.consensus._rule import settle as settle
from waggledance.consensus._rule import subjects as subjects
from waggledance.consensus._rule import tie_break as tie_break
from waggledance.consensus._same import Choice as Choice
from waggledance.consensus._same import Exact as Exact
from waggledance.consensus._same import Numeric as Numeric
from waggledance.consensus._same import Same as Same
from waggledance.consensus._same_computation import SameComputation as SameComputation
from waggledance.consensus._same_computation import verifiers as verifiers
from waggledance.consensus._schedule import pairs as pairs
from waggledance.consensus._screen import Screen as Screen
from waggledance.consensus._screen import calibrated as calibrated
from waggledance.consensus._screen import screen as screen
from waggledance.consensus._simhash import distance_bound as distance_bound
from waggledance.consensus._simhash import hamming as hamming
from waggledance.consensus._simhash import simhash as simhash
from waggledance.consensus._verify_certificate import Conflict as Conflict
from waggledance.consensus._verify_certificate import Verified as Verified
from waggledance.consensus._verify_certificate import conflict as conflict
from waggledance.consensus._verify_certificate import verify_certificate as verify_certificate
from waggledance.consensus._votes import votes as votes
from waggledance.consensus._win_rate import win_rate as win_rate
from waggledance.consensus._wins import ballots as ballots
from waggledance.consensus._wins import wins as wins

if TYPE_CHECKING:
    from waggledance.consensus._aggregate import Aggregate as Aggregate
    from waggledance.consensus._aggregate import Aggregator as Aggregator
    from waggledance.consensus._aggregate import NoUsableVector as NoUsableVector
    from waggledance.consensus._aggregate import aggregate as aggregate
    from waggledance.consensus._best_package import leximin as leximin
    from waggledance.consensus._best_package import nash as nash
    from waggledance.consensus._best_package import utilitarian as utilitarian
    from waggledance.consensus._dependence import Dependence as Dependence
    from waggledance.consensus._dependence import dependence as dependence
    from waggledance.consensus._dependence import discounted as discounted
    from waggledance.consensus._em_answers import AnswerReliability as AnswerReliability
    from waggledance.consensus._em_answers import em_answers as em_answers
    from waggledance.consensus._em_judges import JudgeReliability as JudgeReliability
    from waggledance.consensus._em_judges import em_judges as em_judges
    from waggledance.consensus._em_judges import preferences as preferences
    from waggledance.consensus._flag import flag as flag
    from waggledance.consensus._geometric_median import geometric_median as geometric_median
    from waggledance.consensus._history import History as History
    from waggledance.consensus._krum import krum as krum
    from waggledance.consensus._krum import multi_krum as multi_krum
    from waggledance.consensus._mean import mean as mean
    from waggledance.consensus._records import records as records
    from waggledance.consensus._semantic import Embedding as Embedding
    from waggledance.consensus._semantic import Semantic as Semantic
    from waggledance.consensus._trimmed_mean import median as median
    from waggledance.consensus._trimmed_mean import trimmed_mean as trimmed_mean
else:
    __getattr__, __dir__, __all__ = lazy(__name__)
