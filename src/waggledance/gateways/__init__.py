"""Doors: foreign protocols in, orders to swarms, events out. Each door translates; one host does the work.

Everything is loaded when it is first used: servers and the libraries of protocols are heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from waggledance._lazy import lazy

if TYPE_CHECKING:
    from waggledance.gateways._a2a_gateway import A2A as A2A
    from waggledance.gateways._a2a_grpc import GrpcPlace as GrpcPlace
    from waggledance.gateways._a2a_peer import A2APeer as A2APeer
    from waggledance.gateways._a2a_remote import RemoteFailed as RemoteFailed
    from waggledance.gateways._a2a_webhook import Webhooks as Webhooks
    from waggledance.gateways._agui_gateway import AGUI as AGUI
    from waggledance.gateways._anp_did import WbaDid as WbaDid
    from waggledance.gateways._anp_document import did_document as did_document
    from waggledance.gateways._anp_documents import NoDocument as NoDocument
    from waggledance.gateways._anp_documents import WebDocuments as WebDocuments
    from waggledance.gateways._anp_gateway import DidDoor as DidDoor
    from waggledance.gateways._anp_header import signed_header as signed_header
    from waggledance.gateways._anp_strangers import Stranger as Stranger
    from waggledance.gateways._anp_strangers import Strangers as Strangers
    from waggledance.gateways._ap2_cart import cart_of as cart_of
    from waggledance.gateways._ap2_mandates import Ap2Cart as Ap2Cart
    from waggledance.gateways._ap2_mandates import Ap2Intent as Ap2Intent
    from waggledance.gateways._ap2_mandates import Ap2Payment as Ap2Payment
    from waggledance.gateways._ap2_mandates import MandateCheck as MandateCheck
    from waggledance.gateways._ap2_mandates import check_mandates as check_mandates
    from waggledance.gateways._ap2_objects import CartMandate as CartMandate
    from waggledance.gateways._ap2_objects import IntentMandate as IntentMandate
    from waggledance.gateways._ap2_objects import PaymentMandate as PaymentMandate
    from waggledance.gateways._ap2_parts import AP2_EXTENSION as AP2_EXTENSION
    from waggledance.gateways._ap2_parts import commerce_in as commerce_in
    from waggledance.gateways._ap2_parts import commerce_piece as commerce_piece
    from waggledance.gateways._ap2_signatures import signed_cart as signed_cart
    from waggledance.gateways._ap2_signatures import signed_payment as signed_payment
    from waggledance.gateways._broker import AuditRow as AuditRow
    from waggledance.gateways._broker import Broker as Broker
    from waggledance.gateways._broker import Tenant as Tenant
    from waggledance.gateways._broker import ToolRefused as ToolRefused
    from waggledance.gateways._caller_skills import CallerSkills as CallerSkills
    from waggledance.gateways._callers import Callers as Callers
    from waggledance.gateways._callers import Profile as Profile
    from waggledance.gateways._callers import measured as measured
    from waggledance.gateways._chat_client import ChatClient as ChatClient
    from waggledance.gateways._chat_client import NoRoom as NoRoom
    from waggledance.gateways._chat_client import chat_client as chat_client
    from waggledance.gateways._chat_door import ChatGateway as ChatGateway
    from waggledance.gateways._chat_room import Room as Room
    from waggledance.gateways._chat_speaker import Speaker as Speaker
    from waggledance.gateways._commerce_words import commerce_words as commerce_words
    from waggledance.gateways._dialect import Dialect as Dialect
    from waggledance.gateways._dialect import DialectError as DialectError
    from waggledance.gateways._dialect import Loss as Loss
    from waggledance.gateways._dialect import Neutral as Neutral
    from waggledance.gateways._dialect import Piece as Piece
    from waggledance.gateways._dialect import Translation as Translation
    from waggledance.gateways._dialect import difference as difference
    from waggledance.gateways._dialects import DIALECTS as DIALECTS
    from waggledance.gateways._dialects import dialect as dialect
    from waggledance.gateways._dialects import translate as translate
    from waggledance.gateways._event import Broken as Broken
    from waggledance.gateways._event import Cancelled as Cancelled
    from waggledance.gateways._event import Decided as Decided
    from waggledance.gateways._event import Draining as Draining
    from waggledance.gateways._event import Event as Event
    from waggledance.gateways._event import Failed as Failed
    from waggledance.gateways._event import Started as Started
    from waggledance.gateways._event import TooBusy as TooBusy
    from waggledance.gateways._gateway import Gateway as Gateway
    from waggledance.gateways._guard import caller_of as caller_of
    from waggledance.gateways._host import Host as Host
    from waggledance.gateways._hosted import Hosted as Hosted
    from waggledance.gateways._jcs import canonical_json as canonical_json
    from waggledance.gateways._keys import Keys as Keys
    from waggledance.gateways._limits import Limits as Limits
    from waggledance.gateways._mcp_gateway import McpGateway as McpGateway
    from waggledance.gateways._mcp_gateway import desks_of as desks_of
    from waggledance.gateways._mcp_link import ToolServerFailed as ToolServerFailed
    from waggledance.gateways._mcp_stdio import serve_stdio as serve_stdio
    from waggledance.gateways._mcp_toolbox import McpTools as McpTools
    from waggledance.gateways._on_behalf import OnBehalf as OnBehalf
    from waggledance.gateways._on_behalf import PassedOn as PassedOn
    from waggledance.gateways._on_behalf import read_on_behalf as read_on_behalf
    from waggledance.gateways._on_mesh import hosted_on_mesh as hosted_on_mesh
    from waggledance.gateways._openai_door import OpenAIDoor as OpenAIDoor
    from waggledance.gateways._order import Order as Order
    from waggledance.gateways._parts import as_neutral as as_neutral
    from waggledance.gateways._parts import as_part as as_part
    from waggledance.gateways._parts import as_piece as as_piece
    from waggledance.gateways._permits import Permit as Permit
    from waggledance.gateways._permits import Principal as Principal
    from waggledance.gateways._refusal import refusal as refusal
    from waggledance.gateways._running import Running as Running
    from waggledance.gateways._server import Server as Server
    from waggledance.gateways._serving import app_of as app_of
    from waggledance.gateways._threads_desk import Desk as Desk
    from waggledance.gateways._threads_desk import Heard as Heard
    from waggledance.gateways._threads_fold import Close as Close
    from waggledance.gateways._threads_fold import Thread as Thread
    from waggledance.gateways._threads_fold import thread_of as thread_of
    from waggledance.gateways._threads_mesh import MeshThreads as MeshThreads
    from waggledance.gateways._threads_place import LocalThreads as LocalThreads
    from waggledance.gateways._threads_place import ThreadPlace as ThreadPlace
    from waggledance.gateways._threads_view import threads_text as threads_text
    from waggledance.gateways._timeouts import Timeouts as Timeouts
    from waggledance.gateways._ucp_catalog import UcpCatalog as UcpCatalog
    from waggledance.gateways._ucp_checkout import Checkout as Checkout
    from waggledance.gateways._ucp_checkout import UcpCheckout as UcpCheckout
else:
    __getattr__, __dir__, __all__ = lazy(__name__)
