"""Words are seen while they are said, on the page of a studio that stands in the process where peers think."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from waggledance import Swarm
from waggledance.core import Log, Question
from waggledance.gateways import Host, Hosted, Order, Server, app_of
from waggledance.models import Completion, Request, Scripted
from waggledance.peers import Agent
from waggledance.protocols import Vote
from waggledance.studio import StudioDoor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SAID = "I count them one by one, slowly, and come to nine."


class Slow(Scripted):
    """Says a word every quarter of a second."""

    async def stream(self, request: Request, hear: Callable[[str], None]) -> Completion:
        completion = await self.complete(request)
        for word in completion.text.split(" "):
            hear(f"{word} ")
            await asyncio.sleep(0.25)
        return completion


@contextmanager
def serving(log: Log) -> Generator[tuple[str, Host, Server]]:
    """Serve a swarm of one who speaks for three seconds, with the studio beside it."""
    swarm = Swarm([Agent("bee", Slow(f"{SAID}\nAnswer: 9", delay_s=2.0))], log=log, protocol=Vote(samples=1))
    host = Host({"default": Hosted(swarm)}, log)
    server = Server(app_of(host, [StudioDoor(host)]), host, port=0, drain_s=5)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()))
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        yield f"http://{server.address}/studio/", host, server
    finally:
        server.stop()
        thread.join()


def test_words_are_shown_while_they_are_said_and_give_way_to_the_message(browser: Browser, tmp_path: Path) -> None:
    with Log(tmp_path / "log.db") as log, serving(log) as (address, host, server):
        page = browser.new_page()
        page.goto(address)
        page.get_by_role("main").get_by_text("Nothing was asked yet").wait_for()

        async def begin() -> None:
            host.start(Order(swarm="default", question=Question(text="17 - 8?", expects="number")))

        assert server._loop is not None
        asyncio.run_coroutine_threadsafe(begin(), server._loop).result()
        page.get_by_role("navigation", name="Channels").get_by_role("link", name="17 - 8?").click()
        words = page.get_by_role("region", name="Being said now")
        words.get_by_text("I count them").wait_for()
        assert "come to nine" not in words.inner_text()
        words.wait_for(state="detached")
        page.get_by_role("button", name="bee, round 1: 9").wait_for()
        page.context.close()
