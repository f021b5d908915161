"""Which arrangement of which peers gives a better answer for the same spend: comparisons, banks, predictions."""

from waggledance.lab._above_random import above_random as above_random
from waggledance.lab._agentsnet import AgentsNet as AgentsNet
from waggledance.lab._arm import Arm as Arm
from waggledance.lab._arm import Weigh as Weigh
from waggledance.lab._bank import Bank as Bank
from waggledance.lab._bank_peer import BankCrowd as BankCrowd
from waggledance.lab._bank_peer import BankPeer as BankPeer
from waggledance.lab._benchmark import Benchmark as Benchmark
from waggledance.lab._beta_binomial import effective_voters as effective_voters
from waggledance.lab._beta_binomial import majority_with_correlation as majority_with_correlation
from waggledance.lab._beta_binomial import plurality_with_correlation as plurality_with_correlation
from waggledance.lab._bootstrap import mean_interval as mean_interval
from waggledance.lab._bootstrap import ratio_interval as ratio_interval
from waggledance.lab._comparison import Comparison as Comparison
from waggledance.lab._comparison import compare as compare
from waggledance.lab._crowd import Crowd as Crowd
from waggledance.lab._crowd import Seated as Seated
from waggledance.lab._debug import Diagnosis as Diagnosis
from waggledance.lab._debug import Tried as Tried
from waggledance.lab._debug import answers_right as answers_right
from waggledance.lab._debug import debug as debug
from waggledance.lab._dialogue import Dialogue as Dialogue
from waggledance.lab._due import RecordPlan as RecordPlan
from waggledance.lab._evidence import Evidence as Evidence
from waggledance.lab._evidence import Found as Found
from waggledance.lab._evidence import evidence as evidence
from waggledance.lab._front import front as front
from waggledance.lab._holm import holm as holm
from waggledance.lab._letters import Letters as Letters
from waggledance.lab._maze import CollaborationMaze as CollaborationMaze
from waggledance.lab._pass_k import pass_k as pass_k
from waggledance.lab._permutation import sign_flip_p as sign_flip_p
from waggledance.lab._phase_transition import best_tree as best_tree
from waggledance.lab._phase_transition import critical_fidelity as critical_fidelity
from waggledance.lab._phase_transition import leaf_compute as leaf_compute
from waggledance.lab._phase_transition import organisation_exponent as organisation_exponent
from waggledance.lab._phase_transition import recursion as recursion
from waggledance.lab._power import noise_floor as noise_floor
from waggledance.lab._power import smallest_difference as smallest_difference
from waggledance.lab._predict import Expected as Expected
from waggledance.lab._predict import Prediction as Prediction
from waggledance.lab._predict import plurality_seen as plurality_seen
from waggledance.lab._predict import predict as predict
from waggledance.lab._prices import Prices as Prices
from waggledance.lab._probe import Probe as Probe
from waggledance.lab._question_set import QuestionSet as QuestionSet
from waggledance.lab._reading import load as load
from waggledance.lab._record import record as record
from waggledance.lab._recorded_crowd import RecordedCrowd as RecordedCrowd
from waggledance.lab._recorded_peer import RecordedPeer as RecordedPeer
from waggledance.lab._recorded_peer import Said as Said
from waggledance.lab._relay import Relay as Relay
from waggledance.lab._report import Report as Report
from waggledance.lab._score import RunLog as RunLog
from waggledance.lab._score import Score as Score
from waggledance.lab._seen import Scorer as Scorer
from waggledance.lab._social import NO_CONFORMITY as NO_CONFORMITY
from waggledance.lab._social import Conformity as Conformity
from waggledance.lab._social import Trace as Trace
from waggledance.lab._social import conformity as conformity
from waggledance.lab._social import consistency as consistency
from waggledance.lab._social import flips as flips
from waggledance.lab._social import majority_of as majority_of
from waggledance.lab._social import trace_of as trace_of
from waggledance.lab._social import wavering as wavering
from waggledance.lab._social import win_tie as win_tie
from waggledance.lab._spent import Spent as Spent
from waggledance.lab._spent import spent as spent
from waggledance.lab._strategy_tree import StrategyTree as StrategyTree
from waggledance.lab._strategy_tree import strategy_tree as strategy_tree
from waggledance.lab._surer import answers_to as answers_to
from waggledance.lab._suspects import Suspect as Suspect
from waggledance.lab._suspects import suspects as suspects
from waggledance.lab._task import Task as Task
from waggledance.lab._wilson import wilson as wilson

__all__ = [
    "NO_CONFORMITY",
    "AgentsNet",
    "Arm",
    "Bank",
    "BankCrowd",
    "BankPeer",
    "Benchmark",
    "CollaborationMaze",
    "Comparison",
    "Conformity",
    "Crowd",
    "Diagnosis",
    "Dialogue",
    "Evidence",
    "Expected",
    "Found",
    "Letters",
    "Prediction",
    "Prices",
    "Probe",
    "QuestionSet",
    "RecordPlan",
    "RecordedCrowd",
    "RecordedPeer",
    "Relay",
    "Report",
    "RunLog",
    "Said",
    "Score",
    "Scorer",
    "Seated",
    "Spent",
    "StrategyTree",
    "Suspect",
    "Task",
    "Trace",
    "Tried",
    "Weigh",
    "above_random",
    "answers_right",
    "answers_to",
    "best_tree",
    "compare",
    "conformity",
    "consistency",
    "critical_fidelity",
    "debug",
    "effective_voters",
    "evidence",
    "flips",
    "front",
    "holm",
    "leaf_compute",
    "load",
    "majority_of",
    "majority_with_correlation",
    "mean_interval",
    "noise_floor",
    "organisation_exponent",
    "pass_k",
    "plurality_seen",
    "plurality_with_correlation",
    "predict",
    "ratio_interval",
    "record",
    "recursion",
    "sign_flip_p",
    "smallest_difference",
    "spent",
    "strategy_tree",
    "suspects",
    "trace_of",
    "wavering",
    "wilson",
    "win_tie",
]
