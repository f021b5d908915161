"""From what happens in a swarm to AG-UI events: each peer is a sub-agent, each round a step, the decision the answer.

    opening                    STATE_SNAPSHOT: question, protocol, peers; a SUBAGENT_STARTED for each peer
    a peer's words as they come  TEXT_MESSAGE_START, …_CONTENT, …_END, attributed to it
    an answer                  the same, where its words did not stream; STATE_DELTA with what it now holds
    a tool that an agent used  TOOL_CALL_START, …_ARGS, …_END, …_RESULT, attributed to it
    the first answer of a round  STEP_STARTED, with the STEP_FINISHED of the round before
    the decision               the answer as a message of no sub-agent, or TOOL_CALL_* where it is to use the screen's
                               own tools; CUSTOM ``waggle.decision`` with support, dissent and certificate;
                               ACTIVITY_SNAPSHOT ``a2ui-surface`` for a screen that draws A2UI;
                               SUBAGENT_FINISHED for each peer; RUN_FINISHED with the tokens spent
    no decision                RUN_ERROR, or RUN_FINISHED with the outcome ``cancelled``

Events are made as plain structures and sent as they are: the protocol's own library takes 60 µs an event.

Source: AG-UI protocol 1.0, events; the mapping follows stem-agent (Shen and Shen 2026, arXiv:2603.22359). A2UI
within it as `@ag-ui/a2ui-middleware` 0.0.10 has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from waggledance.core import Decision, Exchange, Message, Opening, PeerId, Proposal, Words, calls_of
from waggledance.gateways._a2ui_surface import PREFIX, surface_of
from waggledance.gateways._event import Cancelled, Decided, Event, Failed
from waggledance.gateways._given_words import said_by

VERSION = "1.0"
DECISION = "waggle.decision"
AgUi = dict[str, Any]


class Telling:
    """One run, told to a screen event by event.

    Args:
        thread: the conversation's id, as the screen named it.
        run: the run's id, as the screen named it.
        notes: what is said with the decision, after its own notes.
        surface: whether the screen draws A2UI, and is sent the decision as a surface too.
    """

    def __init__(self, thread: str, run: str, notes: tuple[str, ...] = (), *, surface: bool = False) -> None:
        self._notes, self._surface = notes, surface
        self._ids = {"threadId": thread, "runId": run}
        self._run = run
        self._peers: dict[PeerId, int] = {}
        self._speaking: dict[tuple[PeerId, int], str] = {}
        """The messages that are open, by peer and call."""
        self._heard: set[PeerId] = set()
        """Who has streamed words since their last answer."""
        self._step = ""
        self._messages = 0
        self._said: list[Message[Any]] = []

    def begun(self) -> AgUi:
        """Return how every run begins."""
        return {"type": "RUN_STARTED", **self._ids, "protocolVersion": VERSION}

    def tell(self, event: Event) -> Iterator[AgUi]:
        """Yield what an event is to a screen; often nothing."""
        if isinstance(event, Message):
            self._said.append(event)
        match event:
            case Words():
                yield from self._words(event)
            case Exchange(kind="tool"):
                yield from self._tool(event)
            case Message(body=Opening() as opening):
                yield from self._opening(opening, event.channel)
            case Message(body=Proposal() as said):
                yield from self._answer(event.author, said)
            case Decided(decision=decision):
                yield from self._decided(decision)
            case Failed(error=error):
                yield from self._closed()
                if isinstance(error, Cancelled):
                    yield {"type": "RUN_FINISHED", **self._ids, "outcome": {"type": "cancelled"}}
                else:
                    yield {"type": "RUN_ERROR", "message": str(error), "code": type(error).__name__}
            case _:
                pass

    # -- peers ----------------------------------------------------------------------------------------------------

    def _opening(self, opening: Opening, channel: str) -> Iterator[AgUi]:
        members = opening.members
        self._peers = {member.id: place for place, member in enumerate(members)}
        state = {
            "question": opening.question.text,
            "protocol": opening.protocol,
            "channel": channel,
            "round": 0,
            "peers": [{"name": member.name, "answer": None, "confidence": None} for member in members],
            "spent": {"calls": 0, "tokens": 0},
            "decision": None,
        }
        yield {"type": "STATE_SNAPSHOT", "snapshot": state}
        for member in members:
            yield {"type": "SUBAGENT_STARTED", "subagentRunId": self._subagent(member.id), "name": member.name}

    def _words(self, words: Words) -> Iterator[AgUi]:
        if words.peer not in self._peers or not words.text:
            return
        place = (words.peer, words.number)
        if place not in self._speaking:
            self._speaking[place] = id = self._new_message()
            yield self._of(words.peer, type="TEXT_MESSAGE_START", messageId=id, role="assistant", name=words.name)
        self._heard.add(words.peer)
        yield self._of(words.peer, type="TEXT_MESSAGE_CONTENT", messageId=self._speaking[place], delta=words.text)

    def _answer(self, peer: PeerId, said: Proposal) -> Iterator[AgUi]:
        if peer not in self._peers:
            return
        if f"round {said.round}" != self._step and said.round >= self._round():
            yield from self._end_step()
            self._step = f"round {said.round}"
            yield {"type": "STEP_STARTED", "stepName": self._step}
        yield from self._end_messages(peer)
        words = said.text or said.lapse
        if peer not in self._heard and words:
            id = self._new_message()
            yield self._of(peer, type="TEXT_MESSAGE_START", messageId=id, role="assistant")
            yield self._of(peer, type="TEXT_MESSAGE_CONTENT", messageId=id, delta=words)
            yield self._of(peer, type="TEXT_MESSAGE_END", messageId=id)
        self._heard.discard(peer)
        at = f"/peers/{self._peers[peer]}"
        confidence = None if said.confidence_ppm is None else said.confidence_ppm / 1_000_000
        yield {
            "type": "STATE_DELTA",
            "delta": [
                {"op": "replace", "path": f"{at}/answer", "value": said.key},
                {"op": "replace", "path": f"{at}/confidence", "value": confidence},
                {"op": "replace", "path": "/round", "value": self._round()},
            ],
        }

    def _tool(self, exchange: Exchange) -> Iterator[AgUi]:
        if exchange.author not in self._peers:
            return
        id = f"{self._subagent(exchange.author)}/{exchange.number}.{exchange.step}"
        of = exchange.author
        yield self._of(of, type="TOOL_CALL_START", toolCallId=id, toolCallName=exchange.of)
        if exchange.asked:
            yield self._of(of, type="TOOL_CALL_ARGS", toolCallId=id, delta=exchange.asked)
        yield self._of(of, type="TOOL_CALL_END", toolCallId=id)
        result = exchange.answered or exchange.failure
        yield self._of(of, type="TOOL_CALL_RESULT", toolCallId=id, messageId=self._new_message(), content=result)

    # -- the end --------------------------------------------------------------------------------------------------

    def _decided(self, decision: Decision) -> Iterator[AgUi]:
        yield from self._closed()
        calls = calls_of(decision.key)
        if calls:
            parent = self._new_message()
            for call in calls:
                id = f"{parent}/{call.id}"
                yield {
                    "type": "TOOL_CALL_START",
                    "toolCallId": id,
                    "toolCallName": call.name,
                    "parentMessageId": parent,
                }
                yield {"type": "TOOL_CALL_ARGS", "toolCallId": id, "delta": call.arguments}
                yield {"type": "TOOL_CALL_END", "toolCallId": id}
        else:
            id = self._new_message()
            yield {"type": "TEXT_MESSAGE_START", "messageId": id, "role": "assistant"}
            yield {
                "type": "TEXT_MESSAGE_CONTENT",
                "messageId": id,
                "delta": said_by(decision, self._said)[0] or "(nothing)",
            }
            yield {"type": "TEXT_MESSAGE_END", "messageId": id}
            if self._surface:
                yield self._drawn(decision)
        told: AgUi = msgspec.json.decode(decision.to_json())
        told["notes"] = [*decision.notes, *self._notes]
        told["certificate"] = msgspec.json.decode(decision.certificate) if decision.certificate else None
        cost = decision.cost
        yield {
            "type": "STATE_DELTA",
            "delta": [
                {"op": "replace", "path": "/decision", "value": decision.key},
                {"op": "replace", "path": "/spent", "value": {"calls": cost.calls, "tokens": cost.tokens}},
            ],
        }
        yield {"type": "CUSTOM", "name": DECISION, "value": told}
        usage = {
            "inputTokens": cost.prompt_tokens,
            "outputTokens": cost.completion_tokens,
            "totalTokens": cost.tokens,
        }
        result = {"answer": decision.key, "status": decision.status, "channel": decision.channel}
        yield {"type": "RUN_FINISHED", **self._ids, "result": result, "outcome": {"type": "success"}, "usage": [usage]}

    def _drawn(self, decision: Decision) -> AgUi:
        """Return a decision as an A2UI surface, as screens of AG-UI are sent one."""
        id = f"{PREFIX}{self._run}"
        noted = msgspec.structs.replace(decision, notes=(*decision.notes, *self._notes))
        return {
            "type": "ACTIVITY_SNAPSHOT",
            "messageId": f"a2ui-surface-{id}",
            "activityType": "a2ui-surface",
            "content": {"a2ui_operations": surface_of(id, noted, self._said)},
            "replace": True,
        }

    def _closed(self) -> Iterator[AgUi]:
        """Yield the ends of all that is open."""
        for peer in self._peers:
            yield from self._end_messages(peer)
        yield from self._end_step()
        for peer in self._peers:
            yield {"type": "SUBAGENT_FINISHED", "subagentRunId": self._subagent(peer)}
        self._peers = {}

    def _end_step(self) -> Iterator[AgUi]:
        if self._step:
            yield {"type": "STEP_FINISHED", "stepName": self._step}
            self._step = ""

    def _end_messages(self, peer: PeerId) -> Iterator[AgUi]:
        for place in [place for place in self._speaking if place[0] == peer]:
            yield self._of(peer, type="TEXT_MESSAGE_END", messageId=self._speaking.pop(place))

    def _round(self) -> int:
        return int(self._step.removeprefix("round ") or 0)

    def _subagent(self, peer: PeerId) -> str:
        return f"{self._run}/{peer.hex()[:16]}"

    def _of(self, peer: PeerId, **event: Any) -> AgUi:
        return {**event, "subagentRunId": self._subagent(peer)}

    def _new_message(self) -> str:
        self._messages += 1
        return f"{self._run}-m{self._messages}"
