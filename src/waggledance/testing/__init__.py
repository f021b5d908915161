"""What tests and research need: synthetic worlds whose truth is known, runs in virtual time, and the laws of protocols.

The worlds need numpy; the rest does not, so they are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from waggledance._lazy import lazy
from waggledance.testing._check_protocol import LawBroken as LawBroken
from waggledance.testing._check_protocol import check_protocol as check_protocol
from waggledance.testing._fewest import fewest as fewest
from waggledance.testing._kept import Kept as Kept
from waggledance.testing._offices import OfficeHolder as OfficeHolder
from waggledance.testing._offices import Offices as Offices
from waggledance.testing._opinionated import Opinionated as Opinionated
from waggledance.testing._simulate import NetworkOptions as NetworkOptions
from waggledance.testing._simulate import Run as Run
from waggledance.testing._simulate import simulate as simulate
from waggledance.testing._simulated_mesh import SimulatedMesh as SimulatedMesh
from waggledance.testing._simulated_mesh import on_virtual_time as on_virtual_time
from waggledance.testing._swim_world import SwimWorld as SwimWorld

if TYPE_CHECKING:
    from waggledance.testing._certificate_bugs import CarriesTheHighestAck as CarriesTheHighestAck
    from waggledance.testing._certificate_bugs import ForgetsItsLock as ForgetsItsLock
    from waggledance.testing._certificate_bugs import OnePhaseAcrossEpochs as OnePhaseAcrossEpochs
    from waggledance.testing._certificate_schedules import Schedule as Schedule
    from waggledance.testing._certificate_schedules import Search as Search
    from waggledance.testing._certificate_schedules import Seen as Seen
    from waggledance.testing._certificate_schedules import replay_schedule as replay_schedule
    from waggledance.testing._certificate_schedules import search_schedules as search_schedules
    from waggledance.testing._certificate_schedules import shrink_schedule as shrink_schedule
    from waggledance.testing._chains_world import CHAIN_TOOLS as CHAIN_TOOLS
    from waggledance.testing._chains_world import TimeoutPolicy as TimeoutPolicy
    from waggledance.testing._chains_world import call_seconds as call_seconds
    from waggledance.testing._chains_world import run_chains as run_chains
    from waggledance.testing._crafting_world import CraftingWorld as CraftingWorld
    from waggledance.testing._disruption_world import DisruptionWorld as DisruptionWorld
    from waggledance.testing._judged import judged as judged
    from waggledance.testing._judged import proposed as proposed
    from waggledance.testing._links_team import propose_links as propose_links
    from waggledance.testing._links_world import LinksWorld as LinksWorld
    from waggledance.testing._mesh_faults import BadModel as BadModel
    from waggledance.testing._mesh_faults import FalseRecord as FalseRecord
    from waggledance.testing._mesh_faults import Flood as Flood
    from waggledance.testing._mesh_faults import FullDisk as FullDisk
    from waggledance.testing._mesh_faults import LateVotes as LateVotes
    from waggledance.testing._mesh_faults import NewAddress as NewAddress
    from waggledance.testing._mesh_faults import NewKey as NewKey
    from waggledance.testing._mesh_faults import Reboot as Reboot
    from waggledance.testing._mesh_faults import Resend as Resend
    from waggledance.testing._mesh_faults import SignsAll as SignsAll
    from waggledance.testing._mesh_faults import Slander as Slander
    from waggledance.testing._mesh_faults import Sybils as Sybils
    from waggledance.testing._mesh_faults import Twins as Twins
    from waggledance.testing._mesh_faults import Withhold as Withhold
    from waggledance.testing._mesh_faults import WrongChannel as WrongChannel
    from waggledance.testing._mesh_faults import WrongClock as WrongClock
    from waggledance.testing._mesh_schedule import MeshSchedule as MeshSchedule
    from waggledance.testing._mesh_schedules import MeshSearch as MeshSearch
    from waggledance.testing._mesh_schedules import draw_schedule as draw_schedule
    from waggledance.testing._mesh_schedules import play_schedule as play_schedule
    from waggledance.testing._mesh_schedules import search_mesh_schedules as search_mesh_schedules
    from waggledance.testing._mesh_schedules import shrink_mesh_schedule as shrink_mesh_schedule
    from waggledance.testing._mesh_stage import Played as Played
    from waggledance.testing._prefix_cache import PrefixCache as PrefixCache
    from waggledance.testing._prefix_cache import document_queries as document_queries
    from waggledance.testing._prefix_cache import prefill_and_decode as prefill_and_decode
    from waggledance.testing._private_details import HARMLESS as HARMLESS
    from waggledance.testing._private_details import Detail as Detail
    from waggledance.testing._private_details import private_details as private_details
    from waggledance.testing._queue_world import QueueWorld as QueueWorld
    from waggledance.testing._routing_world import RoutingWorld as RoutingWorld
    from waggledance.testing._rows_world import row_over_batch as row_over_batch
    from waggledance.testing._rows_world import steps_a_second as steps_a_second
    from waggledance.testing._services_world import ServicesWorld as ServicesWorld
    from waggledance.testing._specialists_world import SpecialistsWorld as SpecialistsWorld
    from waggledance.testing._transport_world import TransportWorld as TransportWorld
    from waggledance.testing._world_w1 import W1 as W1
    from waggledance.testing._world_w1 import Answers as Answers
    from waggledance.testing._world_w1 import Case as Case
    from waggledance.testing._world_w2 import W2 as W2
    from waggledance.testing._world_w3 import W3 as W3
    from waggledance.testing._world_w3 import Drift as Drift
    from waggledance.testing._world_w4 import W4 as W4
    from waggledance.testing._world_w4 import Discussions as Discussions
    from waggledance.testing._world_w5 import ATTACKS as ATTACKS
    from waggledance.testing._world_w5 import W5 as W5
    from waggledance.testing._world_w5 import Attack as Attack
    from waggledance.testing._world_w6 import W6 as W6
    from waggledance.testing._world_w6 import Scenario as Scenario
else:
    __getattr__, __dir__, __all__ = lazy(__name__)
