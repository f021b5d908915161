"""Who hears whom: each topology is a pure plan of a round, and knows nothing of what is said or decided.

What computes on arrays needs numpy, which takes a tenth of a second to import, so it is loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from waggledance._lazy import lazy
from waggledance.topology._complete import Complete as Complete
from waggledance.topology._exchanges import Exchange as Exchange
from waggledance.topology._exchanges import by_outcome as by_outcome
from waggledance.topology._exchanges import by_review as by_review
from waggledance.topology._exchanges import reviews_due as reviews_due
from waggledance.topology._feedback import Feedback as Feedback
from waggledance.topology._graph import Graph as Graph
from waggledance.topology._groups import Groups as Groups
from waggledance.topology._k_regular import KRegular as KRegular
from waggledance.topology._meaning import SIMILARITY_STEPS as SIMILARITY_STEPS
from waggledance.topology._meaning import by_meaning as by_meaning
from waggledance.topology._meaning import similarities_to as similarities_to
from waggledance.topology._meaning import word_llama as word_llama
from waggledance.topology._registry import TOPOLOGIES as TOPOLOGIES
from waggledance.topology._registry import by_name as by_name
from waggledance.topology._ring import Ring as Ring
from waggledance.topology._selforg import SelfOrg as SelfOrg
from waggledance.topology._small_world import SmallWorld as SmallWorld
from waggledance.topology._star import Star as Star
from waggledance.topology._topology import Hearing as Hearing
from waggledance.topology._topology import Hyperedge as Hyperedge
from waggledance.topology._topology import Topology as Topology
from waggledance.topology._topology import heard_in as heard_in

if TYPE_CHECKING:
    from waggledance.topology._embedding import hashed_ngrams as hashed_ngrams
    from waggledance.topology._points import Embed as Embed
    from waggledance.topology._points import alike as alike
    from waggledance.topology._points import contributions as contributions
    from waggledance.topology._points import points as points
    from waggledance.topology._points import similarities as similarities
    from waggledance.topology._points import unit_vectors as unit_vectors
else:
    __getattr__, __dir__, __all__ = lazy(__name__)
