"""An order as an A2A task: states, what peers say while they work, and the decision as an artifact.

    the order is      the task is                          because
    working           WORKING
    done              COMPLETED                            undecided is a result, too: the artifact says so
    failed            REJECTED for a UsageError, else FAILED
    cancelled         CANCELED

The artifact has the answer's words as a text part and the decision as a data part: status, key, support, dissent,
cost, channel, and the certificate as text where one was made, so that anyone can check what the swarm decided; and for
clients that draw A2UI a surface as another data part. A swarm is not one peer's opinion: what each peer says comes as
an update of the task's status, with the peer's name in its metadata.

Source: Agent2Agent protocol 1.0, §4.1 (objects), §4.2 (events) and §5.5 (names of fields).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from a2a.types import (
    Artifact,
    Part,
    Role,
    Task,
    TaskArtifactUpdateEvent,
    TaskState,
    TaskStatus,
    TaskStatusUpdateEvent,
)
from a2a.types import Message as A2AMessage
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from waggledance.core import Decision, Message, Note, PeerId, Proposal, UsageError, WaggleError
from waggledance.gateways._a2a_asked import A2UI, JSON, TEXT, wants_surface
from waggledance.gateways._a2ui_surface import PREFIX, surface_of
from waggledance.gateways._event import Cancelled

DECISION = "urn:waggledance:decision:1"
SAID = "urn:waggledance:said:1"
ARTIFACT = "decision"
ENDED = frozenset(
    {
        TaskState.TASK_STATE_COMPLETED,
        TaskState.TASK_STATE_FAILED,
        TaskState.TASK_STATE_CANCELED,
        TaskState.TASK_STATE_REJECTED,
    }
)


def status_of(state: TaskState, wall_ms: int, message: A2AMessage | None = None) -> TaskStatus:
    """Return a task's status at a moment, in milliseconds since 1970."""
    at = Timestamp()
    at.FromMilliseconds(wall_ms)
    return TaskStatus(state=state, timestamp=at, message=message)


def begun(id: str, context: str, asked: A2AMessage, wall_ms: int) -> Task:
    """Return the task of an order that has just begun; what was asked is the first message of its history."""
    first = A2AMessage()
    first.CopyFrom(asked)
    first.task_id, first.context_id = id, context
    return Task(id=id, context_id=context, status=status_of(TaskState.TASK_STATE_WORKING, wall_ms), history=[first])


def decided(task: Task, decision: Decision, messages: Iterable[Message[Any]], notes: tuple[str, ...] = ()) -> Artifact:
    """Return a decision as an artifact: words, everything about it as data, and for who draws A2UI a surface.

    Args:
        task: whose it is.
        decision: what was decided.
        messages: of its channel, in any order.
        notes: what is said with it, after its own notes.
    """
    noted = msgspec.structs.replace(decision, notes=(*decision.notes, *notes))
    plain: dict[str, Any] = msgspec.json.decode(noted.to_json())
    plain["certificate"] = decision.certificate or None
    plain["cost"] = {_camel(name): count for name, count in plain["cost"].items()}
    words = decision.text or decision.key or f"no answer ({decision.status})"
    made = Artifact(
        artifact_id=ARTIFACT,
        name="decision",
        parts=[Part(text=words, media_type=TEXT), Part(data=ParseDict(plain, Value()), media_type=JSON)],
        extensions=[DECISION],
    )
    if task.history and wants_surface(task.history[0]):
        part = Part(data=_value(surface_of(f"{PREFIX}{task.id}", noted, messages)), media_type=A2UI)
        part.metadata.update({"mimeType": A2UI})
        made.parts.append(part)
    return made


def _value(listed: list[Any]) -> Value:
    """Return a list as a value of JSON's."""
    value = Value()
    value.list_value.extend(listed)
    return value


def state_of(error: WaggleError) -> TaskState:
    """Return the state of a task that ended without a decision."""
    if isinstance(error, Cancelled):
        return TaskState.TASK_STATE_CANCELED
    return TaskState.TASK_STATE_REJECTED if isinstance(error, UsageError) else TaskState.TASK_STATE_FAILED


def by_agent(task: Task, id: str, text: str, about: dict[str, Any] | None = None) -> A2AMessage:
    """Return a message of the swarm's in a task."""
    metadata = Struct()
    if about is not None:
        metadata.update({SAID: about})
    return A2AMessage(
        message_id=id,
        task_id=task.id,
        context_id=task.context_id,
        role=Role.ROLE_AGENT,
        parts=[Part(text=text, media_type=TEXT)],
        metadata=metadata if about is not None else None,
    )


def said(task: Task, message: Message[Any], names: dict[PeerId, str]) -> TaskStatusUpdateEvent | None:
    """Return what a peer said as an update of a task; None for messages that are not for people."""
    body = message.body
    if not isinstance(body, Proposal | Note) or not body.text:
        return None
    name = names.get(message.author, message.author.hex()[:8])
    about: dict[str, Any] = {"peer": name, "kind": body.kind, "round": body.round}
    if isinstance(body, Proposal):
        about["key"] = body.key
    words = by_agent(task, message.id.hex(), body.text, about)
    return updated(task, status_of(TaskState.TASK_STATE_WORKING, message.wall_ms, words))


def updated(task: Task, status: TaskStatus) -> TaskStatusUpdateEvent:
    """Return a change of a task's status as an event."""
    return TaskStatusUpdateEvent(task_id=task.id, context_id=task.context_id, status=status)


def delivered(task: Task, artifact: Artifact) -> TaskArtifactUpdateEvent:
    """Return an artifact of a task as an event, whole."""
    return TaskArtifactUpdateEvent(task_id=task.id, context_id=task.context_id, artifact=artifact, last_chunk=True)


def _camel(name: str) -> str:
    """Return a field's name as the protocol has names.

    >>> _camel("prompt_tokens")
    'promptTokens'
    """
    return re.sub(r"_([a-z])", lambda after: after[1].upper(), name)
