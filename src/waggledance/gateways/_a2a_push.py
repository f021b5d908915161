"""Push notifications: what happens to a task is sent to its caller's webhook, in order, as a stream would carry it.

Each webhook is a listener like any other, with its own pace: a slow one holds up nobody. A notification is tried three
times, 1 and 4 seconds apart; after three that failed so the webhook is given up for that task. The first thing a
webhook hears is the task as it is, so each hears of its task at least once.

Source: Agent2Agent protocol 1.0, §3.1.7-§3.1.10, §4.3 (payload and credentials), §13.2 (time-outs, retries).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpcore
from a2a.types import Task, TaskPushNotificationConfig
from a2a.utils.errors import InvalidParamsError
from a2a.utils.proto_utils import to_stream_response
from google.protobuf.json_format import MessageToJson

from waggledance.gateways._a2a_guarded import Guarded
from waggledance.gateways._a2a_ledger import Ledger
from waggledance.gateways._a2a_webhook import Refused, Webhooks
from waggledance.gateways._a2a_work import Update, Work
from waggledance.gateways._order import MAX_ID_CHARS, new_id

logger = logging.getLogger(__name__)

WITHIN_S = 10.0
PAUSES_S = (1.0, 4.0)
MAX_FAILED = 3
MAX_A_TASK = 8
"""Webhooks of one task."""
MAX_SECRET_CHARS = 4_096


class Pushes:
    """Who is told of what happens to which task.

    Args:
        work: the tasks.
        webhooks: which addresses may be told.
    """

    def __init__(self, work: Work, webhooks: Webhooks) -> None:
        self._work, self._webhooks = work, webhooks
        self._pool = httpcore.AsyncConnectionPool(network_backend=Guarded(webhooks), max_connections=100)
        self._telling: dict[tuple[str, str], asyncio.Task[None]] = {}

    @property
    def _ledger(self) -> Ledger:
        return self._work.ledger

    async def check(self, config: TaskPushNotificationConfig) -> None:
        """Refuse a webhook that may not be told.

        Raises:
            InvalidParamsError: its address, its id or a secret of it cannot be used.
        """
        try:
            await self._webhooks.check(config.url)
        except Refused as why:
            raise InvalidParamsError(str(why)) from why
        secrets = (config.token, config.authentication.scheme, config.authentication.credentials)
        if any(len(secret) > MAX_SECRET_CHARS or not (secret.isascii() and secret.isprintable()) for secret in secrets):
            raise InvalidParamsError(f"tokens and credentials are ASCII of at most {MAX_SECRET_CHARS:,} characters")
        if len(config.id) > MAX_ID_CHARS:
            raise InvalidParamsError(f"ids have at most {MAX_ID_CHARS} characters")

    def add(self, task: str, config: TaskPushNotificationConfig) -> TaskPushNotificationConfig:
        """Tell a webhook of a task from now on; one of the same id is replaced.

        Raises:
            InvalidParamsError: the task has as many as it may have.
        """
        kept = TaskPushNotificationConfig()
        kept.CopyFrom(config)
        kept.task_id, kept.id = task, config.id or new_id()
        known = self._ledger.pushes(task)
        if kept.id not in known and len(known) >= MAX_A_TASK:
            raise InvalidParamsError(f"a task has at most {MAX_A_TASK} webhooks")
        self._ledger.push_to(task, kept.id, kept.SerializeToString())
        self._tell(kept)
        return kept

    def of(self, task: str) -> list[TaskPushNotificationConfig]:
        """Return the webhooks of a task, by id."""
        return [TaskPushNotificationConfig.FromString(raw) for raw in self._ledger.pushes(task).values()]

    def remove(self, task: str, id: str) -> None:
        """Tell a webhook no more."""
        self._ledger.forget_push(task, id)
        telling = self._telling.pop((task, id), None)
        if telling is not None:
            telling.cancel()

    def resume(self, task: str) -> None:
        """Tell every webhook of a task what has become of it; for tasks that ended while nobody was here."""
        for config in self.of(task):
            self._tell(config)

    async def close(self) -> None:
        """Let what is on its way arrive, for a moment, and stop."""
        if self._telling:
            await asyncio.wait(self._telling.values(), timeout=WITHIN_S)
        for telling in self._telling.values():
            telling.cancel()
        await asyncio.gather(*self._telling.values(), return_exceptions=True)
        await self._pool.aclose()

    def _tell(self, config: TaskPushNotificationConfig) -> None:
        place = (config.task_id, config.id)
        before = self._telling.pop(place, None)
        if before is not None:
            before.cancel()
        telling = asyncio.get_running_loop().create_task(self._follow(config))
        self._telling[place] = telling
        telling.add_done_callback(lambda ended: self._forget(place, ended))

    def _forget(self, place: tuple[str, str], ended: asyncio.Task[None]) -> None:
        if self._telling.get(place) is ended:
            del self._telling[place]
        if not ended.cancelled() and ended.exception() is not None:
            logger.error("notifications of task %s ended in a bug", place[0], exc_info=ended.exception())

    async def _follow(self, config: TaskPushNotificationConfig) -> None:
        failed = 0
        async with aclosing(self._updates(config.task_id)) as updates:
            async for update in updates:
                body = MessageToJson(to_stream_response(update), indent=None).encode()
                failed = 0 if await self._sent(config, body) else failed + 1
                if failed == MAX_FAILED:
                    logger.warning("task %s: %s hears no more, it cannot be reached", config.task_id, config.url)
                    return

    async def _updates(self, id: str) -> AsyncGenerator[Update]:
        live = self._work.live(id)
        if live is not None:
            async with aclosing(self._work.updates(live)) as updates:
                async for update in updates:
                    yield update
            return
        entry = self._ledger.find(id)
        if entry is not None:
            yield Task.FromString(entry.task)

    async def _sent(self, config: TaskPushNotificationConfig, body: bytes) -> bool:
        """Send one notification; say whether it arrived."""
        for pause_s in (*PAUSES_S, None):
            try:
                async with asyncio.timeout(WITHIN_S):
                    status = await self._post(config, body)
                if 200 <= status < 300:
                    return True
                logger.info("task %s: %s answered %d", config.task_id, config.url, status)
            except Refused as why:
                logger.warning("task %s: %s", config.task_id, why)
                return False
            except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as why:
                logger.info("task %s: %s cannot be reached: %s", config.task_id, config.url, why)
            if pause_s is not None:
                await asyncio.sleep(pause_s)
        return False

    async def _post(self, config: TaskPushNotificationConfig, body: bytes) -> int:
        headers: list[tuple[str, str]] = [("content-type", "application/json"), ("user-agent", "waggledance")]
        if config.token:
            headers.append(("x-a2a-notification-token", config.token))
        if config.authentication.scheme and config.authentication.credentials:
            headers.append(("authorization", f"{config.authentication.scheme} {config.authentication.credentials}"))
        async with self._pool.stream("POST", config.url, headers=headers, content=body) as answer:
            return answer.status
