"""Any A2A agent as a peer: it is asked over the network, and answers like the others in the swarm.

An agent that knows our extension (another swarm) is asked the question as it is, with its kind and options beside it;
any other is told in words what form its answer should have, as a language model is. Others' words go to it fenced, as
data; what it says is data here: parsed like any peer's words, never obeyed.

A swarm elsewhere is not one peer's opinion: with `members` its answers count only with a certificate that enough of
them signed, about exactly the words it was asked.

Source: Agent2Agent protocol 1.0; what is said in which round, as in Du et al. 2023, arXiv:2305.14325.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import msgspec
from blake3 import blake3

from waggledance.consensus import Certificate, verify_certificate
from waggledance.core import (
    UNIT,
    Call,
    Cost,
    LoopClock,
    Member,
    Message,
    Note,
    PeerFault,
    Proposal,
    Question,
    RunFailed,
    UsageError,
    Verdict,
    well_formed,
    with_extra,
)
from waggledance.peers import parse
from waggledance.peers._noted import noted
from waggledance.peers._others import grouped, mark_for, quoted
from waggledance.peers._plain import line
from waggledance.peers._prompts import BUILT_IN, asked

if TYPE_CHECKING:
    from a2a.types import SendMessageRequest

    from waggledance.gateways._a2a_heard import Heard
    from waggledance.gateways._a2a_remote import Remote
    from waggledance.mesh import Capability

_TURN_CHARS = 2_000


class A2APeer:
    """A remote A2A agent as a peer. It proposes and revises.

    What it costs is not known, so only its time is counted; give the run a limit of calls or seconds. When time is up
    or the run is stopped, its task is cancelled. The card is read once, at the first question.

    Args:
        name: the peer's name here.
        url: the agent's address, under which its card lies at ``/.well-known/agent-card.json``.
        key: an API key, sent as a bearer token; none when empty.
        timeout_s: the most seconds of one answer, > 0; less where the budget has less left.
        streaming: whether to hear words as they come, where the agent streams.
        hosts: other hosts that its card may point to than its own.
        members: the members of the swarm that answers, by whose certificate an answer counts; any answer when None.

    Raises:
        UsageError: the name is empty, the address is none, the key has characters that no key has, or the time is out
            of range.
        RunFailed: the extra ``a2a`` is not installed.
    """

    def __init__(
        self,
        name: str,
        url: str,
        *,
        key: str = "",
        timeout_s: float = 120.0,
        streaming: bool = True,
        hosts: Collection[str] = (),
        members: Sequence[Member] | None = None,
    ) -> None:
        if not name.strip():
            raise UsageError("a peer needs a name, got an empty one")
        if not url.startswith(("http://", "https://")) or not url.partition("://")[2].strip("/"):
            raise UsageError(f"{url!r:.200} is no A2A agent's address; write it as in https://agent.example")
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise UsageError(f"the API key for {url!r:.200} has characters that no key has")
        if not 0 < timeout_s < math.inf:
            raise UsageError(f"an answer may take more than 0 seconds and not forever, got {timeout_s}")
        if find_spec("a2a") is None:
            raise RunFailed(with_extra("A2A agents as peers need the package a2a-sdk", "a2a"))
        from waggledance.gateways._a2a_remote import Remote

        self.name, self.url, self.timeout_s, self.streaming = name, url, timeout_s, streaming
        self.members = None if members is None else tuple(members)
        self._remote: Remote = Remote(url, key=key, hosts=hosts)
        self._clock = LoopClock()

    def __repr__(self) -> str:
        return f"A2APeer({self.name!r}, {self.url!r})"

    @property
    def skills(self) -> frozenset[str]:
        return frozenset({"propose", "revise"})

    async def card(self) -> Capability:
        """Return what the agent says of itself; every word of it is a claim.

        Raises:
            RemoteFailed: there is no card, or none that can be used.
        """
        from waggledance.gateways._a2a_remote import WRONG
        from waggledance.mesh import capability_of_card

        try:
            from google.protobuf.json_format import MessageToJson

            return capability_of_card(MessageToJson(await self._remote.card()))
        except WRONG as why:
            raise self._failed(why) from why

    async def propose(self, call: Call) -> Proposal:
        """Ask the agent the question."""
        return await self._answer(call, "")

    async def revise(self, call: Call, mine: Message[Proposal], heard: Sequence[Message[Proposal]]) -> Proposal:
        """Ask the agent again, with its own answer and others' answers, both as data."""
        own = f"Your answer so far:\n{quoted(mine.body.text, _TURN_CHARS)}" if mine.body.text else ""
        words = grouped(heard, call.question)
        blanks = {"persona": "", "form": BUILT_IN.form(call.question.expects)}
        again = (
            BUILT_IN.prompt("revise", words=words, mark=mark_for((words,)), **blanks)
            if words
            else BUILT_IN.prompt("reconsider", **blanks)
        )
        return await self._answer(call, "\n\n".join(filter(None, (own, again))))

    async def note(self, call: Call, about: str, material: Sequence[Message[Any]]) -> str:
        raise UsageError(f"peer {self.name!r} is an A2A agent and writes no notes")

    async def compare(self, call: Call, a: Message[Proposal], b: Message[Proposal]) -> Verdict:
        raise UsageError(f"peer {self.name!r} is an A2A agent and compares nothing")

    async def critique(self, call: Call, proposal: Message[Proposal]) -> Verdict:
        raise UsageError(f"peer {self.name!r} is an A2A agent and grades nothing")

    # -- asking -------------------------------------------------------------------------------------------------

    async def _answer(self, call: Call, again: str) -> Proposal:
        from google.protobuf.json_format import MessageToJson

        from waggledance.gateways._a2a_heard import Heard
        from waggledance.gateways._a2a_remote import WRONG

        heard, began_s = Heard(call.hear), self._clock.now()
        try:
            request = await self._request(call, again)
            with call.asking("tool", self.url, MessageToJson(request, indent=None)) as exchange:
                await self._heard(request, heard, min(self.timeout_s, max(call.seconds_left, 0.001)))
                exchange.answered = f"[{', '.join(MessageToJson(a, indent=None) for a in heard.artifacts)}]"
            return self._proposal(heard, request.message.parts[0].text, call.question)
        except WRONG as why:
            raise self._failed(why) from why
        finally:
            call.charge(Cost(milliseconds=round((self._clock.now() - began_s) * 1_000)))

    async def _heard(self, request: SendMessageRequest, heard: Heard, within_s: float) -> None:
        """Send a message and hear the answer; cancel what is not waited for."""
        async with self._remote.talk(streaming=self.streaming) as client:
            try:
                async with asyncio.timeout(within_s):
                    await self._remote.ask(client, request, heard)
            except BaseException as why:
                if heard.task:
                    await self._remote.cancel(client, heard.task)
                if isinstance(why, TimeoutError):
                    raise OSError(f"it did not answer within {within_s:.1f} s, and was told to stop") from why
                raise

    async def _request(self, call: Call, again: str) -> SendMessageRequest:
        """Return what the agent is sent: the question as it is, where it knows our extension; else all in words."""
        from a2a.types import Message as A2AMessage
        from a2a.types import Part, Role, SendMessageRequest

        from waggledance.gateways._a2a_asked import QUESTION, TEXT

        question, card = call.question, await self._remote.card()
        ours = any(extension.uri == QUESTION for extension in card.capabilities.extensions)
        before = _told(question, call.guide)
        if ours:
            parts = (question.text, before, again)
        else:
            parts = (before, asked(question), again or BUILT_IN.form(question.expects))
        text = well_formed("\n\n".join(filter(None, parts))).strip()
        id = blake3(f"{self.url}\0{call.seed}\0{text}".encode()).hexdigest(16)
        message = A2AMessage(message_id=id, role=Role.ROLE_USER, parts=[Part(text=text, media_type=TEXT)])
        if ours:
            message.metadata.update({QUESTION: _beside(question, call)})
        return SendMessageRequest(message=message)

    # -- what it says ---------------------------------------------------------------------------------------------

    def _proposal(self, heard: Heard, sent: str, question: Question) -> Proposal:
        from a2a.types import TaskState

        if heard.state != TaskState.TASK_STATE_COMPLETED:
            state = TaskState.Name(heard.state).removeprefix("TASK_STATE_").lower().replace("_", " ")
            raise ValueError(f"its task ended as {state}: {line(heard.text, 300) or 'it does not say why'}")
        decision = heard.decision
        if self.members is not None:
            self._check_certificate(decision, sent)
        if decision and decision.get("answer") is None:
            raise ValueError(f"the swarm there came to no answer: {line(str(decision.get('status')), 40)}")
        said = parse(heard.text, question)
        answer = decision.get("answer")
        if isinstance(answer, str) and (key := parse(answer, question).key) is not None:
            said = msgspec.structs.replace(said, key=key, lapse="")
        sure = decision.get("confidence")
        if said.confidence_ppm is None and isinstance(sure, float) and 0 <= sure <= 1:
            said = msgspec.structs.replace(said, confidence_ppm=round(sure * UNIT))
        return said

    def _check_certificate(self, decision: dict[str, Any], sent: str) -> None:
        """Refuse an answer that the members did not certify.

        Raises:
            PeerFault: there is no certificate, it proves nothing, or it is of another question or answer.
        """
        text = decision.get("certificate")
        if not isinstance(text, str) or not text:
            raise PeerFault("certificate", "its answer comes without a certificate, and one is asked for")
        certificate = Certificate.from_json(text)
        proven = verify_certificate(certificate, self.members)
        opening = certificate.opened()
        if opening is None or opening.body.question.text != sent:
            raise PeerFault("certificate", "its certificate is of another question than the one it was asked")
        if proven.answer != decision.get("answer"):
            raise PeerFault("certificate", f"it says {decision.get('answer')!r:.80}, its certificate {proven.answer!r}")

    def _failed(self, why: BaseException) -> RunFailed:
        from waggledance.gateways._a2a_remote import RemoteFailed

        detail = why.detail if isinstance(why, PeerFault) else str(why)
        return RemoteFailed(self.name, self.url, line(detail, 500) or type(why).__name__)


def _told(question: Question, guide: Sequence[Message[Note]]) -> str:
    """Return what was said before the question, and the notes that guide its answer; as data."""
    said = "\n".join(f"{turn.role}:\n{quoted(turn.text, _TURN_CHARS)}" for turn in question.conversation if turn.text)
    return "\n\n".join(
        filter(None, (said and f"What was said before, in this conversation:\n{said}", BUILT_IN.guiding(noted(guide))))
    )


def _beside(question: Question, call: Call) -> dict[str, Any]:
    """Return what our extension says beside a question's words."""
    from waggledance.gateways._a2a_asked import HOPS

    beside: dict[str, Any] = {"expects": question.expects, "seed": call.seed, "hops": HOPS.get() + 1}
    if question.options:
        beside["options"] = list(question.options)
    if question.costs is not msgspec.UNSET:
        beside["costs"] = list(question.costs)
    if question.spend is not msgspec.UNSET:
        beside["spend"] = question.spend
    budget: dict[str, float] = {}
    if not math.isinf(call.seconds_left):
        budget["seconds"] = call.seconds_left
    if call.tokens_left is not None:
        budget["tokens"] = call.tokens_left
    if budget:
        beside["budget"] = budget
    return beside
