"""Who hears whom: each topology is a pure plan of a round, and knows nothing of what is said or decided."""

from waggledance.topology._complete import Complete as Complete
from waggledance.topology._topology import Hearing as Hearing
from waggledance.topology._topology import Hyperedge as Hyperedge
from waggledance.topology._topology import Topology as Topology

__all__ = ["Complete", "Hearing", "Hyperedge", "Topology"]
