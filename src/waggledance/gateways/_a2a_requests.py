"""A2A's operations on one swarm: what each request does, whatever binding it came by.

A caller sees their own tasks of this swarm and no others; what is not theirs does not exist for them. A task that is
being worked on takes no further messages, nor does one that has ended: a message in the same context begins a new task.

Source: Agent2Agent protocol 1.0, §3.1 (operations), §3.2.4 (history), §3.4 (contexts), §13.1 (who sees what). The
bindings are the SDK's.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from a2a.server.context import ServerCallContext
from a2a.server.request_handlers.request_handler import (
    RequestHandler,
    validate_request_params,  # pyright: ignore[reportUnknownVariableType] - untyped in the SDK
)
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    DeleteTaskPushNotificationConfigRequest,
    GetExtendedAgentCardRequest,
    GetTaskPushNotificationConfigRequest,
    GetTaskRequest,
    ListTaskPushNotificationConfigsRequest,
    ListTaskPushNotificationConfigsResponse,
    ListTasksRequest,
    ListTasksResponse,
    Message,
    Role,
    SendMessageRequest,
    SubscribeToTaskRequest,
    Task,
    TaskPushNotificationConfig,
    TaskState,
)
from a2a.utils.errors import (
    ContentTypeNotSupportedError,
    InternalError,
    InvalidParamsError,
    TaskNotCancelableError,
    TaskNotFoundError,
    UnsupportedOperationError,
)
from a2a.utils.task import apply_history_length, validate_history_length, validate_page_size
from google.protobuf.json_format import MessageToJson

from waggledance.core import Question, RunFailed, UsageError
from waggledance.gateways._a2a_asked import HOPS, question_of, shows_pictures, wanted_of
from waggledance.gateways._a2a_ledger import Entry
from waggledance.gateways._a2a_push import Pushes
from waggledance.gateways._a2a_task import ENDED
from waggledance.gateways._a2a_work import Live, Update, Work
from waggledance.gateways._order import MAX_ID_CHARS, Order, new_id
from waggledance.gateways._shown_pictures import unseeing

CALLER, BASE = "waggle.caller", "waggle.base"
"""Under what the context of a call says who asks, and at which address."""
DEFAULT_PAGE = 50


class Requests(RequestHandler):
    """What one swarm's A2A callers may do.

    Args:
        swarm: the swarm's name at the host.
        work: the tasks of all swarms.
        pushes: who is told of what happens.
        extended: makes the card for callers with a key, from the server's address; None where no keys are asked for.
        wait_s: how long a caller waits for the end of a task at most; to the end when None.
    """

    def __init__(
        self,
        swarm: str,
        work: Work,
        pushes: Pushes,
        extended: Callable[[str], AgentCard] | None,
        wait_s: float | None,
    ) -> None:
        self._swarm, self._work, self._pushes = swarm, work, pushes
        self._extended, self._wait_s = extended, wait_s

    # -- asking -------------------------------------------------------------------------------------------------

    @validate_request_params
    async def on_message_send(self, params: SendMessageRequest, context: ServerCallContext) -> Task | Message:
        """Begin a task; return it at its end, or at once when the caller does not want to wait."""
        live = await self._begin(params, context)
        if not params.configuration.return_immediately:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._wait_s):
                    await live.ended()
        return apply_history_length(live.task, params.configuration)

    @validate_request_params
    async def on_message_send_stream(
        self, params: SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[Update]:
        """Begin a task; yield it, and everything that happens to it."""
        live = await self._begin(params, context)
        async for update in self._work.updates(live):
            yield apply_history_length(update, params.configuration) if isinstance(update, Task) else update

    async def _begin(self, params: SendMessageRequest, context: ServerCallContext) -> Live:
        self._check_tenant(context)
        validate_history_length(params.configuration)
        message, caller = params.message, _caller(context)
        if message.role != Role.ROLE_USER:
            raise InvalidParamsError("a message to an agent has the role ROLE_USER")
        self._check_task(message, caller)
        if len(message.context_id) > MAX_ID_CHARS or len(message.message_id) > MAX_ID_CHARS:
            raise InvalidParamsError(f"ids have at most {MAX_ID_CHARS} characters")
        wanted = wanted_of(message)
        config = params.configuration.task_push_notification_config
        wants_pushes = params.configuration.HasField("task_push_notification_config")
        if wants_pushes:
            await self._pushes.check(config)
        before = self._work.before(self._swarm, caller, message.context_id, message.reference_task_ids)
        hosted = self._work.host.swarms[self._swarm]
        try:
            question = question_of(message, wanted, expects=hosted.expects, before=before)
            order = Order(
                swarm=self._swarm, question=question, caller=caller, id=new_id(),
                context=message.context_id or new_id(), budget=wanted.budget, seed=wanted.seed,
                protocol=wanted.protocol, closely=False, original=MessageToJson(message, indent=None).encode(),
            )  # fmt: skip
            HOPS.set(wanted.hops)
            live = self._work.start(order, message, self._unseeing(question))
        except UsageError as why:
            raise InvalidParamsError(str(why)) from why
        except RunFailed as why:  # it is stopping, too busy, or cannot write the task down
            raise InternalError(str(why)) from why
        if wants_pushes:
            self._pushes.add(live.task.id, config)
        return live

    def _unseeing(self, question: Question) -> tuple[str, ...]:
        """Return a note of who cannot look at a question's pictures; refuse them where nobody can."""
        if not shows_pictures(question):
            return ()
        try:
            return unseeing(self._work.host.swarms[self._swarm], self._swarm)
        except UsageError as why:
            raise ContentTypeNotSupportedError(str(why)) from why

    def _check_task(self, message: Message, caller: str) -> None:
        """Refuse a message to a task: none takes any."""
        if not message.task_id:
            return
        entry = self._entry(message.task_id, caller)
        if message.context_id and message.context_id != entry.context:
            raise InvalidParamsError(
                f"task {entry.id!r} is of another context than {message.context_id!r}; leave the context out"
            )
        said = "has ended" if self._work.task(entry).status.state in ENDED else "is being worked on"
        raise UnsupportedOperationError(
            f"task {entry.id!r} {said} and takes no further messages; send one without a task id, with context id "
            f"{entry.context!r}, to go on with the conversation"
        )

    # -- what has become of it ------------------------------------------------------------------------------------

    @validate_request_params
    async def on_get_task(self, params: GetTaskRequest, context: ServerCallContext) -> Task | None:
        """Return a task as it is now."""
        self._check_tenant(context)
        validate_history_length(params)
        await self._work.find(self._swarm, params.id, _caller(context))
        return apply_history_length(self._work.task(self._entry(params.id, _caller(context))), params)

    @validate_request_params
    async def on_list_tasks(self, params: ListTasksRequest, context: ServerCallContext) -> ListTasksResponse:
        """Return a page of the caller's tasks, the last changed first."""
        self._check_tenant(context)
        validate_history_length(params)
        if params.HasField("page_size"):
            validate_page_size(params.page_size)
        since = params.status_timestamp_after if params.HasField("status_timestamp_after") else None
        entries, total = self._work.ledger.page(
            self._swarm, _caller(context), size=(params.page_size or DEFAULT_PAGE) + 1, context=params.context_id,
            state=params.status, since_ms=None if since is None else since.ToMilliseconds(),
            after=_place_of(params.page_token),
        )  # fmt: skip
        shown = entries[: params.page_size or DEFAULT_PAGE]
        token = f"{shown[-1].changed_ms}.{shown[-1].place}" if len(shown) < len(entries) else ""
        tasks = [apply_history_length(self._work.task(entry), params) for entry in shown]
        return ListTasksResponse(tasks=tasks, next_page_token=token, page_size=len(shown), total_size=total)

    @validate_request_params
    async def on_cancel_task(self, params: CancelTaskRequest, context: ServerCallContext) -> Task | None:
        """Stop a task; what had been said stays in the log."""
        self._check_tenant(context)
        entry = self._entry(params.id, _caller(context))
        live = self._work.live(entry.id)
        if live is None or live.task.status.state in ENDED:
            raise TaskNotCancelableError(f"task {entry.id!r} has ended already")
        if live.running.elsewhere:
            raise TaskNotCancelableError(f"task {entry.id!r} was begun by another server, and is only read here")
        live.running.cancel()
        task = await live.ended()
        if task.status.state != TaskState.TASK_STATE_CANCELED:
            raise TaskNotCancelableError(f"task {entry.id!r} ended before it could be cancelled")
        return task

    @validate_request_params
    async def on_subscribe_to_task(
        self, params: SubscribeToTaskRequest, context: ServerCallContext
    ) -> AsyncGenerator[Update]:
        """Yield a task as it is now, and everything that happens to it from now on."""
        self._check_tenant(context)
        await self._work.find(self._swarm, params.id, _caller(context))
        entry = self._entry(params.id, _caller(context))
        live = self._work.live(entry.id)
        if live is None or live.task.status.state in ENDED:
            raise UnsupportedOperationError(f"task {entry.id!r} has ended; get it instead")
        async for update in self._work.updates(live):
            yield update

    # -- notifications ----------------------------------------------------------------------------------------------

    @validate_request_params
    async def on_create_task_push_notification_config(
        self, params: TaskPushNotificationConfig, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        """Tell a webhook what happens to a task from now on."""
        self._check_tenant(context)
        entry = self._entry(params.task_id, _caller(context))
        await self._pushes.check(params)
        return self._pushes.add(entry.id, params)

    @validate_request_params
    async def on_get_task_push_notification_config(
        self, params: GetTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        """Return where notifications of a task go, by its id."""
        self._check_tenant(context)
        entry = self._entry(params.task_id, _caller(context))
        found = next((config for config in self._pushes.of(entry.id) if config.id == params.id), None)
        if found is None:
            raise TaskNotFoundError(f"task {entry.id!r} has no notifications {params.id!r}")
        return found

    @validate_request_params
    async def on_list_task_push_notification_configs(
        self, params: ListTaskPushNotificationConfigsRequest, context: ServerCallContext
    ) -> ListTaskPushNotificationConfigsResponse:
        """Return where notifications of a task go; all on one page, for there are few."""
        self._check_tenant(context)
        entry = self._entry(params.task_id, _caller(context))
        return ListTaskPushNotificationConfigsResponse(configs=self._pushes.of(entry.id))

    @validate_request_params
    async def on_delete_task_push_notification_config(
        self, params: DeleteTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> None:
        """Send no more notifications there; harmless when none went."""
        self._check_tenant(context)
        self._pushes.remove(self._entry(params.task_id, _caller(context)).id, params.id)

    # -- the rest ---------------------------------------------------------------------------------------------------

    @validate_request_params
    async def on_get_extended_agent_card(
        self, params: GetExtendedAgentCardRequest, context: ServerCallContext
    ) -> AgentCard:
        """Return the card for callers with a key."""
        self._check_tenant(context)
        if self._extended is None:
            raise UnsupportedOperationError("this agent has no extended card: it asks nobody for a key")
        return self._extended(str(context.state[BASE]))

    def _entry(self, id: str, caller: str) -> Entry:
        """Return a task of this swarm and caller.

        Raises:
            TaskNotFoundError: there is none, or it is somebody else's.
        """
        entry = self._work.ledger.find(id)
        if entry is None or (entry.swarm, entry.caller) != (self._swarm, caller):
            raise TaskNotFoundError(f"there is no task {id[:80]!r} of yours here")
        return entry

    def _check_tenant(self, context: ServerCallContext) -> None:
        if context.tenant not in ("", self._swarm):
            raise InvalidParamsError(f"this is the swarm {self._swarm!r}, and the tenant asked for is another")


def _caller(context: ServerCallContext) -> str:
    return str(context.state[CALLER])


def _place_of(token: str) -> tuple[int, int] | None:
    """Return what a page token says; None for the first page.

    Raises:
        InvalidParamsError: it is none of ours.
    """
    if not token:
        return None
    parts = token.split(".")
    if len(parts) != 2 or not all(part.isascii() and part.isdecimal() and len(part) < 19 for part in parts):
        raise InvalidParamsError("the page token is none that this server gave")
    return int(parts[0]), int(parts[1])
