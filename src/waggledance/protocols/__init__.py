"""What is said when: each protocol is one coroutine that every peer runs."""

from waggledance.protocols._confidence_debate import ConfidenceDebate as ConfidenceDebate
from waggledance.protocols._debate import Debate as Debate
from waggledance.protocols._deliberate import agreed as agreed
from waggledance.protocols._deliberate import deliberate as deliberate
from waggledance.protocols._hearing import hear as hear
from waggledance.protocols._nest_site import Dance as Dance
from waggledance.protocols._nest_site import NestSite as NestSite
from waggledance.protocols._peer_ranking import PeerRanking as PeerRanking
from waggledance.protocols._protocol import AskProtocol as AskProtocol
from waggledance.protocols._protocol import check_fit as check_fit
from waggledance.protocols._quorum import Quorum as Quorum
from waggledance.protocols._registry import PROTOCOLS as PROTOCOLS
from waggledance.protocols._registry import by_name as by_name
from waggledance.protocols._registry import rule_by_name as rule_by_name
from waggledance.protocols._round_table import RoundTable as RoundTable
from waggledance.protocols._stopping import likely as likely
from waggledance.protocols._stopping import likely_in as likely_in
from waggledance.protocols._stopping import settled_in as settled_in
from waggledance.protocols._vote import Vote as Vote

__all__ = [
    "PROTOCOLS",
    "AskProtocol",
    "ConfidenceDebate",
    "Dance",
    "Debate",
    "NestSite",
    "PeerRanking",
    "Quorum",
    "RoundTable",
    "Vote",
    "agreed",
    "by_name",
    "check_fit",
    "deliberate",
    "hear",
    "likely",
    "likely_in",
    "rule_by_name",
    "settled_in",
]
