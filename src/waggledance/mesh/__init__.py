"""Real peers on a real network, with no server: transport, identity, membership, repair, discovery, roll-out."""

from waggledance.mesh._a2a_card import capability_of_card as capability_of_card
from waggledance.mesh._a2a_card import card_of as card_of
from waggledance.mesh._a2a_card import verify_card as verify_card
from waggledance.mesh._admission import Membership as Membership
from waggledance.mesh._admission import membership_of as membership_of
from waggledance.mesh._admission_bodies import Admit as Admit
from waggledance.mesh._admission_bodies import Join as Join
from waggledance.mesh._admission_bodies import Leave as Leave
from waggledance.mesh._admission_bodies import Revoke as Revoke
from waggledance.mesh._agent_adapter import AgentAdapter as AgentAdapter
from waggledance.mesh._agent_here import AgentHere as AgentHere
from waggledance.mesh._agent_prompts import SLOT as PROMPTS_SLOT
from waggledance.mesh._agent_prompts import AgentPrompts as AgentPrompts
from waggledance.mesh._agent_prompts import read_prompts as read_prompts
from waggledance.mesh._agent_skill import AgentSkill as AgentSkill
from waggledance.mesh._agent_skill import read_skill as read_skill
from waggledance.mesh._blob_fetch import BlobFetch as BlobFetch
from waggledance.mesh._blob_messages import AskBlob as AskBlob
from waggledance.mesh._blob_messages import BlobPayload as BlobPayload
from waggledance.mesh._blob_messages import GiveChunk as GiveChunk
from waggledance.mesh._blob_messages import HaveBlob as HaveBlob
from waggledance.mesh._blob_messages import NoChunk as NoChunk
from waggledance.mesh._blob_messages import WantChunk as WantChunk
from waggledance.mesh._blob_server import BlobServer as BlobServer
from waggledance.mesh._blobs import BlobId as BlobId
from waggledance.mesh._blobs import BlobMissing as BlobMissing
from waggledance.mesh._blobs import Blobs as Blobs
from waggledance.mesh._blobs import BlobsFull as BlobsFull
from waggledance.mesh._capability import Capability as Capability
from waggledance.mesh._capability import Capacity as Capacity
from waggledance.mesh._capability import ModelClaim as ModelClaim
from waggledance.mesh._capability import Price as Price
from waggledance.mesh._capability import Skill as Skill
from waggledance.mesh._capability import ToolClaim as ToolClaim
from waggledance.mesh._channels import LOBBY as LOBBY
from waggledance.mesh._directory import Match as Match
from waggledance.mesh._directory import Need as Need
from waggledance.mesh._directory import Observed as Observed
from waggledance.mesh._directory import rank as rank
from waggledance.mesh._entering import NotLetIn as NotLetIn
from waggledance.mesh._entering import ask_genesis as ask_genesis
from waggledance.mesh._entering import enter as enter
from waggledance.mesh._feedback import Edges as Edges
from waggledance.mesh._feedback import Feedback as Feedback
from waggledance.mesh._feedback import Settled as Settled
from waggledance.mesh._feedback import edges_of as edges_of
from waggledance.mesh._feedback import observed_by as observed_by
from waggledance.mesh._feedback import task_of as task_of
from waggledance.mesh._finding import Finder as Finder
from waggledance.mesh._forming import Formed as Formed
from waggledance.mesh._forming import NobodyCame as NobodyCame
from waggledance.mesh._forming import TeamMesh as TeamMesh
from waggledance.mesh._forming import form_team as form_team
from waggledance.mesh._genesis import Admission as Admission
from waggledance.mesh._genesis import Genesis as Genesis
from waggledance.mesh._genesis import Limits as Limits
from waggledance.mesh._genesis import genesis_from_json as genesis_from_json
from waggledance.mesh._genesis import load_genesis as load_genesis
from waggledance.mesh._genesis import open_genesis as open_genesis
from waggledance.mesh._home import Home as Home
from waggledance.mesh._home import PeerFolder as PeerFolder
from waggledance.mesh._home import PeerState as PeerState
from waggledance.mesh._install import FileArtefact as FileArtefact
from waggledance.mesh._install import Installer as Installer
from waggledance.mesh._install import InstallFailed as InstallFailed
from waggledance.mesh._install import PromptSet as PromptSet
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
from waggledance.mesh._media import Track as Track
from waggledance.mesh._media import checked_content as checked_content
from waggledance.mesh._media import content_of as content_of
from waggledance.mesh._media import differing_transcripts as differing_transcripts
from waggledance.mesh._media import received_blob as received_blob
from waggledance.mesh._media import tracks as tracks
from waggledance.mesh._media import wav_milliseconds as wav_milliseconds
from waggledance.mesh._mesh import Mesh as Mesh
from waggledance.mesh._mesh import NobodyHere as NobodyHere
from waggledance.mesh._node import Node as Node
from waggledance.mesh._one_heap import share_one_heap as share_one_heap
from waggledance.mesh._orders import Order as Order
from waggledance.mesh._orders import carry_out as carry_out
from waggledance.mesh._orders import place as place
from waggledance.mesh._patch import patched as patched
from waggledance.mesh._patch import tensor_file as tensor_file
from waggledance.mesh._patch import tensor_patch as tensor_patch
from waggledance.mesh._patch import tensors_of as tensors_of
from waggledance.mesh._peers_here import LocalPeer as LocalPeer
from waggledance.mesh._peers_here import peers_here as peers_here
from waggledance.mesh._planning import Kind as RolloutKind
from waggledance.mesh._planning import planned as planned
from waggledance.mesh._praise import praise as praise
from waggledance.mesh._present import Dialling as Dialling
from waggledance.mesh._present import Way as Way
from waggledance.mesh._present import announce as announce
from waggledance.mesh._present import endpoints_of as endpoints_of
from waggledance.mesh._present import present as present
from waggledance.mesh._present import reachable as reachable
from waggledance.mesh._present import way_to as way_to
from waggledance.mesh._quota import Quota as Quota
from waggledance.mesh._quota import Quotas as Quotas
from waggledance.mesh._quota import QuotaSpent as QuotaSpent
from waggledance.mesh._reader import Reader as Reader
from waggledance.mesh._reading import OrderUnknown as OrderUnknown
from waggledance.mesh._reading import Reading as Reading
from waggledance.mesh._records import Record as Record
from waggledance.mesh._records import Records as Records
from waggledance.mesh._records import TwoFaced as TwoFaced
from waggledance.mesh._records import records_of as records_of
from waggledance.mesh._reputation import merits as merits
from waggledance.mesh._reputation import merits_from_founders as merits_from_founders
from waggledance.mesh._rollout import Artefact as Artefact
from waggledance.mesh._rollout import Rollout as Rollout
from waggledance.mesh._rollout import RolloutState as RolloutState
from waggledance.mesh._rollout import Target as Target
from waggledance.mesh._rollout import Traits as Traits
from waggledance.mesh._rollout_agent import RolloutAgent as RolloutAgent
from waggledance.mesh._rollout_fold import RolloutView as RolloutView
from waggledance.mesh._rollout_fold import rollouts_of as rollouts_of
from waggledance.mesh._rollout_here import RolloutHere as RolloutHere
from waggledance.mesh._rollout_here import Wear as Wear
from waggledance.mesh._rollout_here import traits_of as traits_of
from waggledance.mesh._simulated_transport import SimulatedHub as SimulatedHub
from waggledance.mesh._sitting import Sitting as Sitting
from waggledance.mesh._status import STALE_SECONDS as STALE_SECONDS
from waggledance.mesh._status import Seen as Seen
from waggledance.mesh._status import Status as Status
from waggledance.mesh._status import Waiting as Waiting
from waggledance.mesh._status import read_status as read_status
from waggledance.mesh._status import status_of as status_of
from waggledance.mesh._status import write_status as write_status
from waggledance.mesh._swim import Swim as Swim
from waggledance.mesh._swim_roll import MemberState as MemberState
from waggledance.mesh._tls import Tls as Tls
from waggledance.mesh._transport import MAX_DATAGRAM_BYTES as MAX_DATAGRAM_BYTES
from waggledance.mesh._transport import Presence as Presence
from waggledance.mesh._transport import Receive as Receive
from waggledance.mesh._transport import Transport as Transport
from waggledance.mesh._volunteering import Volunteering as Volunteering
from waggledance.mesh._volunteers import Beacon as Beacon
from waggledance.mesh._volunteers import Chosen as Chosen
from waggledance.mesh._volunteers import Team as Team
from waggledance.mesh._volunteers import Volunteer as Volunteer
from waggledance.mesh._volunteers import nesting as nesting
from waggledance.mesh._volunteers import team_channel as team_channel
from waggledance.mesh._volunteers import team_fault as team_fault
from waggledance.mesh._volunteers import team_of as team_of
from waggledance.mesh._warrant import Warrant as Warrant
from waggledance.mesh._warrant import certificate_in as certificate_in
from waggledance.mesh._warrant import rollout_question as rollout_question
from waggledance.mesh._warrant import warrant_of as warrant_of
from waggledance.mesh._warrant import warranted as warranted
from waggledance.mesh._zenoh_endpoints import CannotListen as CannotListen
from waggledance.mesh._zenoh_transport import ZenohTransport as ZenohTransport

__all__ = [
    "LOBBY",
    "MAX_DATAGRAM_BYTES",
    "PROMPTS_SLOT",
    "STALE_SECONDS",
    "Admission",
    "Admit",
    "AgentAdapter",
    "AgentHere",
    "AgentPrompts",
    "AgentSkill",
    "Artefact",
    "AskBlob",
    "Beacon",
    "BlobFetch",
    "BlobId",
    "BlobMissing",
    "BlobPayload",
    "BlobServer",
    "Blobs",
    "BlobsFull",
    "CannotListen",
    "Capability",
    "Capacity",
    "Chosen",
    "Dialling",
    "Edges",
    "Feedback",
    "FileArtefact",
    "Finder",
    "Formed",
    "Genesis",
    "GiveChunk",
    "HaveBlob",
    "HeldInvite",
    "Home",
    "InstallFailed",
    "Installer",
    "Invite",
    "InviteRefused",
    "Join",
    "KeyInUse",
    "KeyRefused",
    "Leave",
    "Limits",
    "LocalPeer",
    "Match",
    "MemberState",
    "Membership",
    "Mesh",
    "ModelClaim",
    "Need",
    "NoChunk",
    "NobodyCame",
    "NobodyHere",
    "Node",
    "NotLetIn",
    "Observed",
    "Order",
    "OrderUnknown",
    "PeerFolder",
    "PeerState",
    "Presence",
    "Price",
    "PromptSet",
    "Quota",
    "QuotaSpent",
    "Quotas",
    "Reader",
    "Reading",
    "Receive",
    "Record",
    "Records",
    "Revoke",
    "Rollout",
    "RolloutAgent",
    "RolloutHere",
    "RolloutKind",
    "RolloutState",
    "RolloutView",
    "Seen",
    "Settled",
    "SimulatedHub",
    "Sitting",
    "Skill",
    "Status",
    "Swim",
    "Target",
    "Team",
    "TeamMesh",
    "Tls",
    "ToolClaim",
    "Track",
    "Traits",
    "Transport",
    "TwoFaced",
    "Volunteer",
    "Volunteering",
    "Waiting",
    "WantChunk",
    "Warrant",
    "Way",
    "Wear",
    "ZenohTransport",
    "announce",
    "ask_genesis",
    "capability_of_card",
    "card_of",
    "carry_out",
    "certificate_in",
    "check_issuer",
    "checked_content",
    "content_of",
    "differing_transcripts",
    "edges_of",
    "endpoints_of",
    "enter",
    "form_team",
    "genesis_from_json",
    "hold_key",
    "load_genesis",
    "load_key",
    "membership_of",
    "merits",
    "merits_from_founders",
    "nesting",
    "new_invite",
    "new_key",
    "observed_by",
    "open_genesis",
    "patched",
    "peers_here",
    "place",
    "planned",
    "praise",
    "present",
    "rank",
    "reachable",
    "read_invite",
    "read_prompts",
    "read_skill",
    "read_status",
    "received_blob",
    "records_of",
    "rollout_question",
    "rollouts_of",
    "secret_text",
    "share_one_heap",
    "status_of",
    "task_of",
    "team_channel",
    "team_fault",
    "team_of",
    "tensor_file",
    "tensor_patch",
    "tensors_of",
    "tracks",
    "traits_of",
    "verify_card",
    "warrant_of",
    "warranted",
    "wav_milliseconds",
    "way_to",
    "write_status",
]
