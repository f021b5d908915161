"""Who sits at the table: language models, functions, people."""

from waggledance.peers._function import FunctionPeer as FunctionPeer
from waggledance.peers._function import PeerRaised as PeerRaised
from waggledance.peers._guess_kind import guess_kind as guess_kind
from waggledance.peers._parse import parse as parse

__all__ = ["FunctionPeer", "PeerRaised", "guess_kind", "parse"]
