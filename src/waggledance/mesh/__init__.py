"""Real peers on a real network, with no server: transport, identity, membership, repair, discovery, roll-out."""

from waggledance.mesh._admission import Membership as Membership
from waggledance.mesh._admission import membership_of as membership_of
from waggledance.mesh._admission_bodies import Admit as Admit
from waggledance.mesh._admission_bodies import Join as Join
from waggledance.mesh._admission_bodies import Leave as Leave
from waggledance.mesh._admission_bodies import Revoke as Revoke
from waggledance.mesh._capability import Capability as Capability
from waggledance.mesh._capability import Capacity as Capacity
from waggledance.mesh._capability import ModelClaim as ModelClaim
from waggledance.mesh._capability import Price as Price
from waggledance.mesh._capability import Record as Record
from waggledance.mesh._capability import Records as Records
from waggledance.mesh._capability import Skill as Skill
from waggledance.mesh._capability import ToolClaim as ToolClaim
from waggledance.mesh._capability import TwoFaced as TwoFaced
from waggledance.mesh._capability import records_of as records_of
from waggledance.mesh._directory import Match as Match
from waggledance.mesh._directory import Need as Need
from waggledance.mesh._directory import Observed as Observed
from waggledance.mesh._directory import rank as rank
from waggledance.mesh._genesis import Admission as Admission
from waggledance.mesh._genesis import Genesis as Genesis
from waggledance.mesh._genesis import Limits as Limits
from waggledance.mesh._genesis import genesis_from_json as genesis_from_json
from waggledance.mesh._genesis import load_genesis as load_genesis
from waggledance.mesh._genesis import open_genesis as open_genesis
from waggledance.mesh._invite import HeldInvite as HeldInvite
from waggledance.mesh._invite import Invite as Invite
from waggledance.mesh._invite import InviteRefused as InviteRefused
from waggledance.mesh._invite import check_issuer as check_issuer
from waggledance.mesh._invite import new_invite as new_invite
from waggledance.mesh._invite import read_invite as read_invite
from waggledance.mesh._key_file import KeyInUse as KeyInUse
from waggledance.mesh._key_file import KeyRefused as KeyRefused
from waggledance.mesh._key_file import hold_key as hold_key
from waggledance.mesh._key_file import load_key as load_key
from waggledance.mesh._key_file import new_key as new_key
from waggledance.mesh._key_file import secret_text as secret_text
from waggledance.mesh._meaning import by_meaning as by_meaning
from waggledance.mesh._meaning import word_llama as word_llama
from waggledance.mesh._mesh import Mesh as Mesh
from waggledance.mesh._node import Node as Node
from waggledance.mesh._simulated_transport import SimulatedHub as SimulatedHub
from waggledance.mesh._sitting import Sitting as Sitting
from waggledance.mesh._swim import Swim as Swim
from waggledance.mesh._swim_roll import MemberState as MemberState
from waggledance.mesh._tls import Tls as Tls
from waggledance.mesh._transport import MAX_DATAGRAM_BYTES as MAX_DATAGRAM_BYTES
from waggledance.mesh._transport import Presence as Presence
from waggledance.mesh._transport import Receive as Receive
from waggledance.mesh._transport import Transport as Transport
from waggledance.mesh._zenoh_endpoints import CannotListen as CannotListen
from waggledance.mesh._zenoh_transport import ZenohTransport as ZenohTransport

__all__ = [
    "MAX_DATAGRAM_BYTES",
    "Admission",
    "Admit",
    "CannotListen",
    "Capability",
    "Capacity",
    "Genesis",
    "HeldInvite",
    "Invite",
    "InviteRefused",
    "Join",
    "KeyInUse",
    "KeyRefused",
    "Leave",
    "Limits",
    "Match",
    "MemberState",
    "Membership",
    "Mesh",
    "ModelClaim",
    "Need",
    "Node",
    "Observed",
    "Presence",
    "Price",
    "Receive",
    "Record",
    "Records",
    "Revoke",
    "SimulatedHub",
    "Sitting",
    "Skill",
    "Swim",
    "Tls",
    "ToolClaim",
    "Transport",
    "TwoFaced",
    "ZenohTransport",
    "by_meaning",
    "check_issuer",
    "genesis_from_json",
    "hold_key",
    "load_genesis",
    "load_key",
    "membership_of",
    "new_invite",
    "new_key",
    "open_genesis",
    "rank",
    "read_invite",
    "records_of",
    "secret_text",
    "word_llama",
]
