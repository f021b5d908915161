"""What a remote agent says in one task, put together from its updates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from a2a.types import Artifact, Message, StreamResponse, Task, TaskState, TaskStatus
from google.protobuf.json_format import MessageToDict

from waggledance.gateways._a2a_asked import text_of
from waggledance.gateways._a2a_task import DECISION, SAID

MAX_TEXT_CHARS = 1_000_000
"""Of all that is heard in one task."""


class Heard:
    """What an agent has said in one task, put together from its updates."""

    def __init__(self, hear: Callable[[str], None] | None) -> None:
        self._hear = hear
        self.task = ""
        """The task's id; empty while the agent has made none."""
        self.state: TaskState = TaskState.TASK_STATE_UNSPECIFIED
        self._artifacts: dict[str, Artifact] = {}
        self._last = ""
        """The words of the last message."""
        self._chars = 0

    def take(self, event: StreamResponse) -> None:
        """Take an update.

        Raises:
            ValueError: the agent says more than anybody would read.
        """
        if event.HasField("task"):
            self.whole(event.task)
        elif event.HasField("message"):
            self._say(event.message)
            self.state = TaskState.TASK_STATE_COMPLETED
        elif event.HasField("status_update"):
            self.task = event.status_update.task_id or self.task
            self._status(event.status_update.status)
        elif event.HasField("artifact_update"):
            self._add(event.artifact_update.artifact, append=event.artifact_update.append)

    def whole(self, task: Task) -> None:
        """Take a task as it is now."""
        self.task = task.id
        self._artifacts = {artifact.artifact_id: artifact for artifact in task.artifacts}
        self._status(task.status)

    @property
    def text(self) -> str:
        """The answer in words: of the artifacts, or else of the last message."""
        return "\n\n".join(filter(None, (text_of(a.parts) for a in self._artifacts.values()))) or self._last

    @property
    def decision(self) -> dict[str, Any]:
        """What a swarm of ours says it decided; empty of any other agent."""
        for artifact in self._artifacts.values():
            for part in artifact.parts if DECISION in artifact.extensions else ():
                if part.HasField("data") and part.data.HasField("struct_value"):
                    decision: dict[str, Any] = MessageToDict(part.data.struct_value)
                    return decision
        return {}

    @property
    def artifacts(self) -> list[Artifact]:
        """What the agent made."""
        return list(self._artifacts.values())

    def _status(self, status: TaskStatus) -> None:
        self.state = status.state
        if status.HasField("message"):
            self._say(status.message)

    def _say(self, message: Message) -> None:
        self._last = text_of(message.parts)
        said = MessageToDict(message.metadata).get(SAID)  # a swarm of ours says which of its peers speaks
        peer = cast("dict[str, Any]", said).get("peer") if isinstance(said, dict) else None
        self._tell(f"{peer}: {self._last}\n" if isinstance(peer, str) and self._last else self._last)

    def _add(self, artifact: Artifact, *, append: bool) -> None:
        self._tell(text_of(artifact.parts))
        known = self._artifacts.get(artifact.artifact_id)
        if known is None or not append:
            self._artifacts[artifact.artifact_id] = artifact
        elif known.parts and artifact.parts and known.parts[-1].text and artifact.parts[0].text:
            known.parts[-1].text += artifact.parts[0].text  # a chunk goes on where the last one stopped
            known.parts.extend(artifact.parts[1:])
        else:
            known.parts.extend(artifact.parts)

    def _tell(self, words: str) -> None:
        self._chars += len(words)
        if self._chars > MAX_TEXT_CHARS:
            raise ValueError(f"it says more than {MAX_TEXT_CHARS:,} characters")
        if self._hear is not None and words:
            self._hear(words)
