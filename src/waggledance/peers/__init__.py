"""Who sits at the table: language models, functions, people."""

from waggledance.peers._agent import CUT_SHORT as CUT_SHORT
from waggledance.peers._agent import Agent as Agent
from waggledance.peers._confidence import confidence as confidence
from waggledance.peers._function import FunctionPeer as FunctionPeer
from waggledance.peers._function import PeerRaised as PeerRaised
from waggledance.peers._guess_kind import guess_kind as guess_kind
from waggledance.peers._human import HumanPeer as HumanPeer
from waggledance.peers._instruction import Instruction as Instruction
from waggledance.peers._parse import parse as parse
from waggledance.peers._personas import PERSONAS as PERSONAS
from waggledance.peers._prompts import Prompts as Prompts
from waggledance.peers._stakeholder import Stakeholder as Stakeholder
from waggledance.peers._toolbox import Toolbox as Toolbox
from waggledance.peers._toolbox import UsedByWhom as UsedByWhom
from waggledance.peers._toolbox import arguments_of as arguments_of
from waggledance.peers._verdict import NoVerdict as NoVerdict
from waggledance.peers._wrapper import WrapperPeer as WrapperPeer

__all__ = [
    "CUT_SHORT",
    "PERSONAS",
    "Agent",
    "FunctionPeer",
    "HumanPeer",
    "Instruction",
    "NoVerdict",
    "PeerRaised",
    "Prompts",
    "Stakeholder",
    "Toolbox",
    "UsedByWhom",
    "WrapperPeer",
    "arguments_of",
    "confidence",
    "guess_kind",
    "parse",
]
