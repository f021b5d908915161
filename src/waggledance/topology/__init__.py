"""Who hears whom: each topology is a pure plan of a round, and knows nothing of what is said or decided."""

from waggledance.topology._complete import Complete as Complete
from waggledance.topology._graph import Graph as Graph
from waggledance.topology._groups import Groups as Groups
from waggledance.topology._k_regular import KRegular as KRegular
from waggledance.topology._registry import TOPOLOGIES as TOPOLOGIES
from waggledance.topology._registry import by_name as by_name
from waggledance.topology._ring import Ring as Ring
from waggledance.topology._small_world import SmallWorld as SmallWorld
from waggledance.topology._star import Star as Star
from waggledance.topology._topology import Hearing as Hearing
from waggledance.topology._topology import Hyperedge as Hyperedge
from waggledance.topology._topology import Topology as Topology
from waggledance.topology._topology import heard_in as heard_in

__all__ = [
    "TOPOLOGIES",
    "Complete",
    "Graph",
    "Groups",
    "Hearing",
    "Hyperedge",
    "KRegular",
    "Ring",
    "SmallWorld",
    "Star",
    "Topology",
    "by_name",
    "heard_in",
]
