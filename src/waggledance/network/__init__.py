"""How messages get from peer to peer: in one process, in a simulator, and on a mesh."""

from waggledance.network._local import Local as Local
from waggledance.network._network import Gathering as Gathering
from waggledance.network._network import Network as Network

__all__ = ["Gathering", "Local", "Network"]
